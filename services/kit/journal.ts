/** Lines of systemd's journal: each begins with its priority, as sd-daemon(3) has it, so that `journalctl -p warning` finds what matters. */

/** Of syslog(3). */
export type Priority = 3 | 4 | 6 | 7

/** pino's numbers. */
const LEAST: [level: number, priority: Priority][] = [
  [50, 3],
  [40, 4],
  [30, 6],
]

export function priorityOf(level: number): Priority {
  return LEAST.find(([least]) => level >= least)?.[1] ?? 7
}

/** The journal takes each line of a text as an entry of its own. */
export function withPriority(priority: Priority, text: string): string {
  return text.replaceAll(/^/gm, `<${priority}>`)
}

/** JOURNAL_STREAM names the stream that the journal reads, as `device:inode`; a child may have it in its environment and write elsewhere. */
export function isStream(
  named: string | undefined,
  { dev, ino }: { dev: number | bigint; ino: number | bigint },
): boolean {
  return named === `${dev}:${ino}`
}
