/** A reload as it is asked for: refused with everything that is wrong, shown before it is done, done in one turn, and told. */
import { beforeEach, describe, expect, test } from 'vitest'
import type { Fact } from '../../services/machine/event.ts'
import { type Checked, Reloading } from '../../services/reload/reload.ts'
import { LiveSite } from '../../services/site/live-site.ts'
import { parseSite } from '../../services/site/parse.ts'
import type { Site } from '../../services/site/types.ts'
import { Fleet, LISTED, NODE1 } from '../machine/rig.ts'
import { NO_INTERFACES, WITH_PROFILE } from '../site/sites.ts'

const BEFORE = `${WITH_PROFILE}${LISTED}`
const DEBUG = `${BEFORE}[log]\nlevel = "debug"\n`

function check(source: string): Checked {
  const outcome = parseSite(source, 'site.toml', NO_INTERFACES)
  if ('problems' in outcome) return { problems: outcome.problems }
  return { problems: outcome.warnings, found: { ...outcome, loaders: new Map() } }
}

const siteOf = (source: string): Site => check(source).found!.site

let rig: Fleet
let live: LiveSite
let file: string
let adopted: string[]
let phases: string[]
let proof: () => Promise<void>
let reloading: Reloading

beforeEach(async () => {
  file = BEFORE
  live = new LiveSite(siteOf(BEFORE))
  rig = await Fleet.open(live)
  adopted = []
  phases = []
  proof = async () => {}
  reloading = new Reloading({
    ...{ site: live, fleet: rig.registry, clock: rig.clock, log: rig.log },
    check: async () => check(file),
    prove: () => proof(),
    onReload: phase => phases.push(phase),
    async adopt(next) {
      live.use(next)
      adopted.push(next.log.level)
      await rig.registry.useSite()
    },
  })
})

async function problemsOf(): Promise<string[]> {
  const outcome = await reloading.reload('anna')
  return 'refused' in outcome ? outcome.problems.map(({ code, place }) => `${place?.line ?? '-'} ${code}`) : ['done']
}

describe('refused', () => {
  test.each<[string, string, string[]]>([
    [
      'what check calls an error, all of it',
      BEFORE.replace('domain', 'domian').replace('"pve"\n', '"pvee"\n'),
      ['2 unknown-key', '17 unknown-profile'],
    ],
    [
      'what needs a restart, in the order of the file',
      `${BEFORE.replace('eth1', 'eth2')}[http]\nport = 8080\n`,
      ['4 needs-restart', '19 needs-restart'],
    ],
    ['a newer file', `version = 9\n${BEFORE}`, ['1 newer-version']],
  ])('M04 %s: the old site is served on', async (_, source, problems) => {
    file = source
    expect(await problemsOf()).toEqual(problems)
    expect([adopted, live.sha256, reloading.loaded.by]).toEqual([[], siteOf(BEFORE).sha256, 'the start'])
    expect(phases).toEqual(['begins', 'ends'])
  })

  test('M04 a machine that boots, with another plan: at its entry, and the rest of the file with it', async () => {
    const attempt = await rig.registry.startAttempt(rig.machine(NODE1), { by: 'operator', again: false })
    const script = { type: 'script-served', attempt, address: '10.77.0.11', resumed: false } as Fact
    await rig.happen(NODE1, script)
    file = `${BEFORE.replace('domain = "rack.test"', 'domain = "rack8.test"')}answers = ["node1"]\n`
    expect(await problemsOf()).toEqual(['2 needs-restart', '13 promise-broken'])
    file = DEBUG
    expect(await problemsOf()).toEqual(['done'])
  })

  test('another state folder: a restart alone would begin with nothing', async () => {
    file = `${BEFORE}[paths]\nstate = "/srv/rackrise"\n`
    const outcome = await reloading.reload('anna')
    expect('refused' in outcome && outcome.problems).toMatchObject([
      {
        code: 'needs-restart',
        message: expect.stringMatching(
          /^paths\.state can't change while the appliance runs: .* \/srv\/rackrise$/,
        ) as string,
        hint: 'stop the appliance, move the folder there, and start it; or put the old value back',
      },
    ])
  })

  test('a state that can not be written: what follows could not be kept', async () => {
    proof = () => Promise.reject(new Error('ENOSPC'))
    file = DEBUG
    expect([await problemsOf(), adopted]).toEqual([['- not-ready'], []])
  })

  test('another file than the one whose changes were shown', async () => {
    file = DEBUG
    const shown = await reloading.preview()
    file = `${DEBUG}# edited since\n`
    const outcome = await reloading.reload('anna', 'refused' in shown ? '' : shown.sha256)
    expect('refused' in outcome && outcome.problems.map(({ code }) => code)).toEqual(['file-changed'])
  })
})

test('a preview shows what a reload does, and changes nothing', async () => {
  file = `${DEBUG.replace('[log]', 'approve = true\n[log]')}`
  const shown = await reloading.preview()
  expect([adopted, phases, rig.machine(NODE1).state]).toEqual([[], [], 'held'])
  expect(shown).toMatchObject({
    reloaded: false,
    changes: [{ name: 'log.level', keys: [{ before: 'info', after: 'debug' }] }],
    machines: [{ name: 'node1', keys: [{ key: 'approve', before: 'false', after: 'true' }], starts: true }],
  })
  expect(await reloading.reload('anna')).toEqual({ ...shown, reloaded: true })
  expect(rig.machine(NODE1)).toMatchObject({ state: 'approved', attempts: 1 })
})

test('who did it is told, and the file that is served by its SHA-256', async () => {
  file = DEBUG
  rig.clock.advance(5000)
  await reloading.reload('anna')
  expect(reloading.loaded).toEqual({ at: rig.clock.now(), by: 'anna', sha256: siteOf(DEBUG).sha256 })
  expect(rig.log.lines.at(-1)).toBe('info anna had the site file loaded again: 1 change, 0 machines')
})

test('who watches hears how each ended, when all of it is done; a preview is nobody’s news', async () => {
  const heard: unknown[] = []
  const stop = reloading.subscribe(news => heard.push([news.by, news.outcome, rig.machine(NODE1).state]))
  expect(reloading.latest).toMatchObject({ by: 'the start', outcome: { reloaded: true, changes: [] } })
  file = `${DEBUG.replace('[log]', 'approve = true\n[log]')}`
  await reloading.preview()
  const loaded = await reloading.reload('anna')
  file = `version = 9\n${BEFORE}`
  const refused = await reloading.reload('SIGHUP')
  expect(heard).toEqual([
    ['anna', loaded, 'approved'],
    ['SIGHUP', refused, 'approved'],
  ])
  expect(reloading.latest).toEqual({ at: rig.clock.now(), by: 'SIGHUP', outcome: refused })
  stop()
  await reloading.reload('ben')
  expect(heard).toHaveLength(2)
})

test('two at once come one after the other', async () => {
  file = DEBUG
  const outcomes = await Promise.all([reloading.reload('anna'), reloading.reload('ben')])
  expect(outcomes.map(outcome => 'changes' in outcome && outcome.changes.length)).toEqual([1, 0])
  expect([adopted, reloading.loaded.by]).toEqual([['debug', 'debug'], 'ben'])
})
