/**
 * The database is not what it was: whatever happened to it, a start says so with the way back and changes nothing, and the way back leads back. A
 * damage that comes while the appliance runs is an alarm.
 */
import {
  cpSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
  closeSync,
  chmodSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { dhclient, udhcpc } from './appliance-clients.ts'
import { answerUrl, askAnswer, attemptIn, bootScript, installNode1 } from './appliance-install.ts'
import { NODE1_ADDRESS, type Outcome, Rig } from './appliance-rig.ts'

const LIMIT_MS = 90_000
const PAGE_BYTES = 4096
const RESTORE = 'bring a backup back with `rackrise restore FILE --force`, which sets this one aside'
const DATABASE = 'state.sqlite'

let rig: Rig
let copies = 0
/** As it lies after a stop, and as it lies after a SIGKILL. */
let stopped: string
let killed: string
let backup: string
/** Where node1 may ask for its answer when the backup is made. */
let promised: string

beforeAll(async () => {
  rig = await Rig.open('damage')
  ;[stopped, killed, backup] = [rig.path('stopped'), rig.path('killed'), rig.path('rack-7.backup')]
  const site = rig.site()
  const appliance = await rig.serve(site)
  await dhclient(rig, 'rack')
  await bootScript(rig)
  promised = await answerUrl(rig)
  expect((await rig.cli(site, 'backup', backup)).status).toBe(0)
  cpSync(rig.path('state'), killed, { recursive: true, filter: path => !path.endsWith('.sock') })
  await appliance.kill('SIGTERM')
  cpSync(rig.path('state'), stopped, { recursive: true, filter: path => !path.endsWith('.sock') })
}, LIMIT_MS)

afterAll(() => rig.close(), LIMIT_MS)

/** A state of its own, and the site of it. */
function stateLike(folder: string): { state: string; file: string; site: string } {
  const state = rig.path(`state-${++copies}`)
  cpSync(folder, state, { recursive: true })
  chmodSync(state, 0o700)
  return { state, file: join(state, DATABASE), site: rig.site({ state }) }
}

const serve = (site: string): Promise<Outcome> => rig.run('appliance', rig.serveCommand(site))

/** The files of a folder as they are, byte for byte. */
function contentOf(folder: string): Record<string, string> {
  const names = readdirSync(folder).filter(name => statSync(join(folder, name)).isFile())
  // SQLite's index of the log is memory that it shares, and made anew.
  const kept = names.filter(name => !name.endsWith('-shm')).toSorted()
  return Object.fromEntries(kept.map(name => [name, readFileSync(join(folder, name)).toString('base64')]))
}

function scribble(file: string, at: number, length: number): void {
  const open = openSync(file, 'r+')
  writeSync(open, Buffer.alloc(length, 0xa5), 0, length, at)
  closeSync(open)
}

/** Every page but the first two, so that whatever is in them is found. */
function flipPages(file: string): void {
  for (let at = 2 * PAGE_BYTES; at < statSync(file).size; at += PAGE_BYTES) scribble(file, at, 64)
}

const DAMAGES: [name: string, from: () => string, damage: (file: string) => void, words: RegExp][] = [
  [
    'garbage in its header',
    () => stopped,
    file => scribble(file, 0, 100),
    /can't open the database .+: file is not a database/,
  ],
  [
    'pages of garbage in its middle',
    () => stopped,
    flipPages,
    /the database .+ is damaged|can't open the database .+malformed/,
  ],
  [
    'half of it',
    () => stopped,
    file => truncateSync(file, Math.floor(statSync(file).size / PAGE_BYTES / 2) * PAGE_BYTES),
    /the database .+ is damaged|can't open the database .+malformed/,
  ],
  ['nothing in it', () => stopped, file => truncateSync(file, 0), /the database .+ is empty, and was not/],
  ['no file', () => stopped, file => rmSync(file), /the database .+ is gone, and was there/],
  [
    'no log of writes after a SIGKILL',
    () => killed,
    file => rmSync(`${file}-wal`),
    /the database .+ has lost its log of writes, state\.sqlite-wal/,
  ],
]

test.each(DAMAGES)(
  'a database with %s is refused as it lies, and a restore brings everything back',
  async (_, from, damage, words) => {
    const { state, file, site } = stateLike(from())
    damage(file)
    const before = contentOf(state)
    const outcome = await serve(site)
    expect([outcome.status, outcome.stdout]).toEqual([1, expect.not.stringContaining('is serving')])
    expect(outcome.stderr).toMatch(words)
    expect(outcome.stderr).toMatch(/^rackrise serve: error: [^\n]+\n$/)
    expect(outcome.stderr).toContain(RESTORE)
    expect(outcome.stderr).toContain(file)
    expect(contentOf(state)).toEqual(before)

    const restored = await rig.cli(site, 'restore', backup, '--force')
    expect([restored.status, restored.stderr]).toEqual([0, expect.stringMatching(/^warning: what was installed since/)])
    const aside = readdirSync(state).find(name => name.startsWith('before-restore-'))!
    expect(contentOf(join(state, aside))).toEqual(before)
    expect((await rig.cli(site, 'machine', 'list')).stdout).toMatch(/^node1\s+held\s+10\.77\.0\.11\s/m)
  },
  LIMIT_MS,
)

test(
  'a restore that was killed while it replaced one state by another does not begin with nothing',
  async () => {
    const { state, file, site } = stateLike(stopped)
    writeFileSync(join(state, 'restore.unfinished'), '')
    rmSync(file)
    const outcome = await serve(site)
    expect([outcome.status, outcome.stderr]).toEqual([
      1,
      expect.stringMatching(/^rackrise serve: error: a restore into [^\n]+ was cut off, [^\n]+; repeat it: [^\n]+\n$/),
    ])
    expect(existsSync(file)).toBe(false)
    expect((await rig.cli(site, 'restore', backup, '--force')).status).toBe(0)
    expect((await rig.cli(site, 'lease', 'list')).stdout).toContain(NODE1_ADDRESS)
  },
  LIMIT_MS,
)

test(
  'T16 a machine that was installed after the backup is not installed again, until a person approves it',
  async () => {
    const { site } = stateLike(stopped)
    let appliance = await rig.serve(site)
    const attempt = await installNode1(rig)
    await appliance.kill('SIGTERM')
    expect((await rig.cli(site, 'restore', backup, '--force')).stderr).toContain('would have installed: node1;')

    appliance = await rig.serve(site)
    await dhclient(rig, 'rack')
    const script = (await bootScript(rig)).stdout
    expect([attemptIn(script), script]).toEqual([undefined, expect.stringContaining('NOT APPROVED')])
    expect(await answerUrl(rig)).toBe('')
    expect((await askAnswer(rig, promised)).stdout).toMatch(/node1 is not approved[^]*\n403$/)
    const alarms = (await rig.cli(site, 'alarm', 'list')).stdout
    expect(alarms).toMatch(/^alarm restored-held: [^]*\n {2}held since the state was restored from a backup: node1\n/m)
    expect((await rig.cli(site, 'machine', 'show', 'node1')).stdout).toContain('restored from a backup of ')

    expect((await rig.cli(site, 'machine', 'approve', 'node1')).status).toBe(0)
    expect((await rig.cli(site, 'alarm', 'list')).stdout).toMatch(/^over restored-held: /m)
    const again = await installNode1(rig)
    expect(again).not.toBe(attempt)
    await appliance.kill('SIGTERM')
  },
  LIMIT_MS,
)

test(
  'the copy from before an update is named, with what to do with it',
  async () => {
    const { file, site } = stateLike(stopped)
    writeFileSync(`${file}.before-0005`, '')
    truncateSync(file, 0)
    expect((await serve(site)).stderr).toContain(
      `from before an update there is ${file}.before-0005, to be moved in its place`,
    )
  },
  LIMIT_MS,
)

test(
  'a database that this user may not open is refused, and says whose it has to be',
  async () => {
    const { state, site } = stateLike(stopped)
    const nobody = [
      'setpriv',
      '--reuid',
      'nobody',
      '--regid',
      'nogroup',
      '--clear-groups',
      '--inh-caps',
      '+net_bind_service,+net_raw',
      '--ambient-caps',
      '+net_bind_service,+net_raw',
      '--',
    ]
    await rig.run('appliance', ['chown', 'nobody', state])
    const outcome = await rig.run('appliance', [...nobody, ...rig.serveCommand(site)])
    expect([outcome.status, outcome.stderr]).toEqual([
      1,
      expect.stringMatching(
        /^rackrise serve: error: can't open the database [^\n]+; see paths\.state and who owns that folder\n$/,
      ),
    ])
  },
  LIMIT_MS,
)

test(
  'pages that are damaged while it runs are found by `doctor`, and the next start refuses them',
  async () => {
    const { file, site } = stateLike(stopped)
    const appliance = await rig.serve(site)
    expect((await udhcpc(rig, 'rack')).variables.get('ip')).toBe(NODE1_ADDRESS)
    for (const part of [file, `${file}-wal`]) scribble(part, 0, statSync(part).size)
    const doctor = await rig.cli(site, 'doctor', '--json')
    expect([doctor.status, doctor.stdout]).toEqual([1, expect.stringContaining('"state-damaged"')])
    await appliance.kill()
    expect((await serve(site)).stderr).toContain(RESTORE)
  },
  LIMIT_MS,
)
