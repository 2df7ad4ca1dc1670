/** What the server under test decided, from the lines of its log. */
import { join } from 'node:path'
import type { ServedSite } from './dhcp-server.ts'
import type { Program, Spaces } from './spaces.ts'

export const OURS = '10.77.0.1'

/** Starts the server on eth0 of that host, and waits until it serves. */
export async function startServer(spaces: Spaces, host: string, site: ServedSite = {}): Promise<Program> {
  const program = join(import.meta.dirname, 'dhcp-server.ts')
  const server = spaces.start(host, [process.execPath, program, 'eth0', JSON.stringify(site)])
  await server.said(/"reason":"ready"/)
  return server
}

type Line = { reason?: string; mac?: string; address?: string; message: string }

function linesOf(server: Program): Line[] {
  return server.lines.filter(line => line.startsWith('{')).map(line => JSON.parse(line) as Line)
}

/** Why the server did what it did for one machine, in order. */
export function reasonsFor(server: Program, mac: string): string[] {
  return linesOf(server).flatMap(line => (line.mac === mac && line.reason ? [line.reason] : []))
}

/** How often each reason came. */
export function reasonCounts(server: Program): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { reason } of linesOf(server)) {
    if (reason && reason !== 'ready') counts[reason] = (counts[reason] ?? 0) + 1
  }
  return counts
}

export function decidedFor(mac: string, reason: string): RegExp {
  return new RegExp(`"reason":"${reason}","mac":"${mac}"`)
}
