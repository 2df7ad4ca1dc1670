/**
 * SIGKILL at random moments of the whole appliance, of its start and of a backup, while a rack takes addresses, is approved, is answered, reports, and
 * somebody is told: each start works at once, and everything that was acknowledged is there, once.
 */
import { appendFileSync, existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { CONTROL_SOCKET } from '../../services/console/remote-fleet.ts'
import { remoteLeases } from '../../services/console/remote-leases.ts'
import { foldMachines } from '../../services/machine/fold.ts'
import { readFleet } from '../../services/store/read-state.ts'
import { dhclient } from './appliance-clients.ts'
import { OFFICE_ADDRESS, Rig, ROOT, type Running, until } from './appliance-rig.ts'

const LIMIT_MS = 600_000
const KILLS = 60
/** Of every ten kills one comes before it serves, and one while a backup is made. */
const EVERY = 10
const START_MS = 700
const LOAD_MS = 700
/** How long a start may take on two busy cores. */
const SERVES_MS = 60_000
const PORT = '8088'
/** One message a second about one machine, in its order. */
const TOLD_MS = 200_000

let rig: Rig
let site: string
let state: string

beforeAll(async () => {
  rig = await Rig.open('kill')
  state = rig.path('state')
  const more = `[[webhook]]\nurl = "http://${OFFICE_ADDRESS}:${PORT}/hook"\n`
  site = rig.site({ dhcp: 'probe = false', more })
  appendFileSync(rig.path('notes'), '')
  appendFileSync(rig.path('told'), '')
}, LIMIT_MS)

afterAll(() => rig.close(), LIMIT_MS)

type Note = Partial<Record<'acknowledged' | 'address' | 'approved' | 'answered' | 'reported', string>> & {
  ordered?: true
}

function notes(): Note[] {
  // The last line may be half written.
  const lines = readFileSync(rig.path('notes'), 'utf8').split('\n').slice(0, -1)
  return lines.map(line => JSON.parse(line) as Note)
}

const of = (all: readonly Note[], key: 'approved' | 'answered' | 'reported'): string[] =>
  all.flatMap(one => (one[key] === undefined ? [] : [one[key]]))

/** What was acknowledged before this moment and is not there, or is somebody else's. */
async function missingLeases(): Promise<string[]> {
  const acknowledged = new Map(notes().flatMap(({ acknowledged: mac, address }) => (mac ? [[address!, mac]] : [])))
  const socket = { path: join(state, CONTROL_SOCKET), user: 'test' }
  const leases = await remoteLeases(socket).list()
  const known = new Map(leases.map(({ address, mac, state: is }) => [address, `${mac} ${is}`]))
  return [...acknowledged].flatMap(([address, mac]) =>
    known.get(address) === `${mac} bound` ? [] : [`${address} of ${mac}: ${known.get(address)}`],
  )
}

/** One life of the appliance, which ends by SIGKILL. */
async function life(number: number): Promise<void> {
  const appliance: Running = rig.spawn('appliance', rig.serveCommand(site))
  if (number % EVERY === 3) {
    await new Promise(wake => setTimeout(wake, Math.random() * START_MS))
    return appliance.kill()
  }
  await appliance.untilSaid('is serving', SERVES_MS)
  expect(await missingLeases(), `after kill ${number}`).toEqual([])
  const backup =
    number % EVERY === 7
      ? rig.spawn('appliance', [
          ...rig.serveCommand(site).slice(0, 2),
          'backup',
          rig.path('b'),
          '--force',
          '--config',
          site,
        ])
      : undefined
  await new Promise(wake => setTimeout(wake, Math.random() * LOAD_MS))
  await Promise.all([appliance.kill(), backup?.kill()])
}

type Row = { seq: number; type: string; attempt: string | null; by: string | null; anomaly: string | null }

function eventsOf(file: string): Row[] {
  const db = new DatabaseSync(file, { readOnly: true })
  const field = (name: string): string => `json_extract(body, '$.${name}') as "${name}"`
  const rows = db.prepare(`select seq, type, ${['attempt', 'by', 'anomaly'].map(field).join(', ')} from event`).all()
  expect(db.prepare('PRAGMA integrity_check').all()).toEqual([{ integrity_check: 'ok' }])
  db.close()
  return rows as Row[]
}

/** Every event of an attempt, once. */
function attemptsWith(rows: readonly Row[], type: string): string[] {
  const found = rows.filter(row => row.type === type && row.anomaly === null).map(({ attempt }) => attempt!)
  expect(new Set(found).size, `${type} twice`).toBe(found.length)
  return found
}

test(
  'I01 killed 60 times under all of its load: what was acknowledged is there, once, and nothing starts that nobody approved',
  async () => {
    const first = await rig.serve(site)
    await dhclient(rig, 'rack')
    const receiver = (): Running =>
      rig.spawn('office', [
        process.execPath,
        join(ROOT, 'test/interop/webhook-receiver.ts'),
        ...[OFFICE_ADDRESS, PORT, rig.path('told')],
      ])
    receiver()
    await first.kill()
    const crowd = rig.spawn('rack', [
      process.execPath,
      join(ROOT, 'test/interop/appliance-kill-crowd.ts'),
      state,
      rig.path('notes'),
    ])
    await crowd.untilSaid('begun')
    for (let number = 0; number < KILLS; number++) await life(number)
    await crowd.kill()

    const last = await rig.serve(site)
    expect(await missingLeases()).toEqual([])
    await until(
      'everybody told',
      async () => {
        const [view] = JSON.parse((await rig.cli(site, 'webhook', 'list', '--json')).stdout)
        if (view.pending > 0) await rig.cli(site, 'webhook', 'retry')
        return view.pending === 0
      },
      TOLD_MS,
    )
    expect((await rig.cli(site, 'backup', rig.path('b'), '--force')).status).toBe(0)
    await last.kill('SIGTERM')

    const all = notes()
    const rows = eventsOf(join(state, 'state.sqlite'))
    const started = attemptsWith(rows, 'attempt-started')
    const byOperator = rows.filter(({ type, by }) => type === 'attempt-started' && by === 'operator')
    const reported = attemptsWith(rows, 'reported')
    expect(started).toEqual(expect.arrayContaining(of(all, 'approved')))
    // One is the site's own, and every other one was ordered.
    expect([
      started.length - byOperator.length,
      byOperator.length <= all.filter(({ ordered }) => ordered).length,
    ]).toEqual([1, true])
    expect(attemptsWith(rows, 'answer-served')).toEqual(expect.arrayContaining(of(all, 'answered')))
    expect(reported).toEqual(expect.arrayContaining(of(all, 'reported')))
    const told = readFileSync(rig.path('told'), 'utf8')
      .trim()
      .split('\n')
      .map(line => JSON.parse(JSON.parse(line).body))
    const installed = told.filter(({ event }) => event === 'installed').map(({ attempt }) => attempt as string)
    expect([...new Set(installed)]).toEqual(reported)
    const anew = readFleet(state, kept => foldMachines({ ...kept, checkpoint: undefined, snapshots: () => [] }))
    expect(readFleet(state, foldMachines)).toEqual(anew)
    // There was load: hundreds of acknowledgements, dozens of installations.
    const count = { acknowledged: all.filter(({ acknowledged }) => acknowledged).length, reported: reported.length }
    expect(count.acknowledged).toBeGreaterThan(KILLS * 5)
    expect(count.reported).toBeGreaterThan(KILLS / 4)
    expect(existsSync(rig.path('b.part'))).toBe(false)
    expect(readdirSync(state).filter(name => /\.(part|new)$/.test(name) && name !== 'tls-served.pem.new')).toEqual([])
  },
  LIMIT_MS,
)
