/** A state folder as years leave it: ten thousand machines and a hundred events of each, half of them older than a site keeps. */
import { DatabaseSync } from 'node:sqlite'
import { join } from 'node:path'
import { DATABASE_FILE, openStore } from '../../services/store/store.ts'

export const MACHINES = 10_000
export const EVENTS_EACH = 100
const DAYS = 200
const MS_PER_DAY = 86_400_000
/** Events from one installation to the next. */
const COURSE = 12

export function macOf(index: number): string {
  return `02:5c:00:00:${(index >> 8).toString(16).padStart(2, '0')}:${(index & 255).toString(16).padStart(2, '0')}`
}

/** What happens to each machine, again and again: it is ordered, installed, and boots its disk for some weeks. */
function factOf(machine: number, nth: number): { type: string } & Record<string, unknown> {
  const attempt = (machine * 1000 + Math.floor(nth / COURSE)).toString(16).padStart(8, '0')
  const address = `10.91.${machine >> 7}.${machine & 127}`
  if (nth === 0) return { type: 'sighted', macs: [macOf(machine)], serial: `S${machine}`, uuid: `U${machine}` }
  switch (nth % COURSE) {
    case 1:
      return { type: 'attempt-started', attempt, by: 'operator', again: nth > COURSE, profile: 'pve' }
    case 3:
      return { type: 'script-served', attempt, address, resumed: false }
    case 5: {
      const answer = { layers: ['base'], sha256: 'a'.repeat(64), leftOut: [], withToken: true }
      return { type: 'answer-served', attempt, address, ...answer }
    }
    case 7:
      return { type: 'reported', attempt, installed: { fqdn: `n${machine}.example.org`, hostKeys: [] } }
    default:
      return { type: 'leased', address, stage: nth % 2 ? 'ipxe' : 'firmware', loader: 'snponly.efi' }
  }
}

/** Fills a folder that is empty; the events end an hour before `now`, and nothing of them is folded yet. */
export async function fillState(folder: string, now: number): Promise<void> {
  await (await openStore(folder)).close()
  const db = new DatabaseSync(join(folder, DATABASE_FILE))
  // Nobody loses anything if the power goes while a bench prepares.
  db.exec('PRAGMA synchronous = OFF; BEGIN')
  const append = db.prepare('insert into event (machine, at, source, type, body) values (?, ?, ?, ?, ?)')
  const first = now - DAYS * MS_PER_DAY
  for (let nth = 0; nth < EVENTS_EACH; nth++) {
    const at = first + Math.floor((nth / EVENTS_EACH) * DAYS * MS_PER_DAY)
    for (let machine = 0; machine < MACHINES; machine++) {
      const fact = factOf(machine, nth)
      append.run(macOf(machine), at + machine, 'dhcp', fact.type, JSON.stringify(fact))
    }
  }
  db.exec('COMMIT; PRAGMA wal_checkpoint(TRUNCATE)')
  db.close()
}
