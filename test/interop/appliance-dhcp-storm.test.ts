/** Storms of DHCP that is whole and means harm, against the real appliance: counted, explained, bounded, and the next machine is served. */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { MAX_OFFER_HOLDS } from '../../services/dhcp/offers.ts'
import { LINES_MOST } from '../../services/kit/calm-log.ts'
import { ALL_ANSWER, answering } from './appliance-clients.ts'
import { LEVEL_WARN, Rig, type Running, until } from './appliance-rig.ts'

const LIMIT_MS = 60_000
const NEIGHBOUR = '10.77.0.66'
/** Of a heap that is collected when it pleases: a leak of each message of a storm would be far more in the second one. */
const GROWTH_KIB = 40 * 1024
/** A storm may last from one minute of the calm log into the next two. */
const MINUTES = 3
const HEARD_LEAST = 0.75

let rig: Rig
let site: string
let appliance: Running

beforeAll(async () => {
  rig = await Rig.open('storm')
  rig.ip('-n', rig.space('rack'), 'addr', 'add', `${NEIGHBOUR}/24`, 'dev', 'eth0')
  site = rig.site()
  appliance = await rig.serve(site)
  expect(await answering(rig, site)).toEqual(ALL_ANSWER)
}, LIMIT_MS)

afterAll(() => rig.close(), LIMIT_MS)

type Sent = { sent: number; declined: number; storm: number; crowd: number }

async function storm(): Promise<Sent> {
  const { status, stdout, stderr } = await rig.run(
    'rack',
    [process.execPath, 'test/interop/appliance-dhcp-assault.ts'],
    LIMIT_MS,
  )
  expect([status, stderr]).toEqual([0, ''])
  return JSON.parse(stdout) as Sent
}

/** What `rackrise metrics` says, by series. */
async function counted(): Promise<Map<string, number>> {
  const { stdout } = await rig.cli(site, 'metrics')
  const lines = stdout.split('\n').filter(line => line !== '' && !line.startsWith('#'))
  return new Map(lines.map(line => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]))
}

const RECEIVED = 'rackrise_dhcp_received_total'
const DECIDED = 'rackrise_dhcp_decisions_total'

/** By how much the series of that name grew, all of them or those with a label. */
function grown(after: Map<string, number>, before: Map<string, number>, name: string, label = ''): number {
  const of = [...after].filter(([series]) => series.startsWith(name) && series.includes(label))
  return of.reduce((sum, [series, count]) => sum + count - (before.get(series) ?? 0), 0)
}

/** The appliance may still be busy with the last of a storm when its sender is done: nothing more is taken from the socket between two looks. */
function everyDecision(before: Map<string, number>): Promise<Map<string, number>> {
  let lately = -1
  return until('a decision for every datagram', async () => {
    const series = await counted()
    const received = grown(series, before, RECEIVED)
    const isQuiet = received === lately && received === grown(series, before, DECIDED)
    lately = received
    return isQuiet ? series : undefined
  })
}

function residentKib(): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${appliance.pid}/status`, 'utf8'))?.[1])
}

test(
  'M07 C13 E03 every message of a storm is counted with its reason, the log tells some of each, and memory is bounded',
  async () => {
    const before = await counted()
    const first = await storm()
    const after = await everyDecision(before)
    const said = (reason: string): number => grown(after, before, DECIDED, `reason="${reason}"`)
    // The kernel may drop some of a storm; what it let through was decided.
    const received = grown(after, before, RECEIVED)
    expect([received > first.sent * HEARD_LEAST, received <= first.sent]).toEqual([true, true])
    const storms = ['not-a-request', 'unexpected-type', 'decline-refused', 'release-refused']
    expect(storms.filter(reason => said(reason) < first.storm * HEARD_LEAST || said(reason) > first.storm)).toEqual([])
    expect([said('declined'), said('decline-storm')]).toEqual([3, first.declined - 3])
    // DISCOVERs come after everything else, and the oldest of too many are dropped.
    const discovers =
      said('unknown-relay') + said('from-pool') + said('offered-again') + said('pool-exhausted') + said('overloaded')
    expect([discovers > (first.storm + first.crowd) * HEARD_LEAST, said('internal-error')]).toEqual([true, 0])
    expect(said('unknown-relay')).toBeLessThanOrEqual(first.storm)
    expect(after.get('rackrise_dhcp_offer_holds')).toBeLessThanOrEqual(MAX_OFFER_HOLDS)
    const lines = appliance.log().filter(({ reason }) => reason === 'unknown-relay')
    expect([lines.length >= LINES_MOST, lines.length <= LINES_MOST * MINUTES]).toEqual([true, true])
    expect(lines[0]!.level).toBe(LEVEL_WARN)
  },
  LIMIT_MS,
)

test(
  'M07 a second storm finds the memory of the first',
  async () => {
    const [series, before] = [await counted(), residentKib()]
    await storm()
    expect(residentKib() - before).toBeLessThan(GROWTH_KIB)
    await everyDecision(series)
    expect(await answering(rig, site)).toEqual(ALL_ANSWER)
    expect([appliance.running, appliance.stderr]).toEqual([true, ''])
  },
  LIMIT_MS,
)
