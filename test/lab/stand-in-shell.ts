/** Runs the stand-in's scripts in busybox sh, as process 1 of a machine does, with what touches the machine put aside. */
import { execFile } from 'node:child_process'
import { mkdtempSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export const STAND_IN = join(import.meta.dirname, '../../services/lab/stand-in')

export function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'rackrise-shell-'))
  // Programs that differ between busybox and GNU must be busybox's here too.
  for (const name of ['awk', 'sed', 'usleep', 'nc', 'stat', 'timeout', 'head', 'tail', 'grep', 'zcat'])
    symlinkSync('/bin/busybox', join(folder, name))
  return folder
}

const QUIET = 'fail() { echo "FAILED: $*"; exit 1; }; say() { :; }'

/** Standard output of the lines, which run after the named scripts; `work` is the folder. */
export function runShell(folder: string, parts: readonly string[], lines: string): Promise<string> {
  const sources = ['say', ...parts].map(part => `. ${STAND_IN}/${part}.sh`)
  const script = [
    `PATH=${folder}:$PATH`,
    'export LC_ALL=C OPENSSL_CONF=/dev/null',
    ...sources,
    QUIET,
    `work=${folder}`,
    lines,
  ].join('\n')
  return new Promise(resolve => {
    execFile('busybox', ['sh', '-c', script], { encoding: 'utf8', timeout: 20_000 }, (_, stdout) => resolve(stdout))
  })
}
