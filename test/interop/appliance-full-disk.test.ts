/**
 * The disk of the state is full, has no inode left, or was made read-only by an error: what needs a record is refused in words, everything else goes on,
 * and nobody has to restart anything once there is room. The disk is the appliance's alone, in its mount namespace.
 */
import { appendFileSync, closeSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { curl, dhclient, dig, tftp, udhcpc } from './appliance-clients.ts'
import { answerUrl, askAnswer, attemptIn, bootScript, FROM_NODE1, report, reportUrlIn } from './appliance-install.ts'
import { ISO, LOADER_BYTES, NODE1_ADDRESS, type Outcome, Rig, type Running, until } from './appliance-rig.ts'

const LIMIT_MS = 120_000
const PAGE_BYTES = 4096
/** In which it says so, and in which it is as before. */
const SECONDS_MS = 8_000

let rig: Rig
let site: string
let appliance: Running

/** A disk of its own, made by the first words, below `disk`. */
async function serveOn(mount: string): Promise<Running> {
  const script = `${mount} && shift && exec "$@"`
  const running = rig.spawn('appliance', ['sh', '-c', script, 'sh', rig.path('disk'), ...rig.serveCommand(site)])
  await running.untilSaid('is serving')
  return running
}

const onDisk = (...names: string[]): string => join('/proc', `${appliance.pid}`, 'root', rig.path('disk'), ...names)

/** The command line, where the appliance has its state. */
async function cli(...words: string[]): Promise<Outcome> {
  const [node, main] = rig.serveCommand(site)
  return rig.run('appliance', [
    ...['nsenter', `--mount=/proc/${appliance.pid}/ns/mnt`, node!, main!, ...words],
    ...['--config', site],
  ])
}

const alarmed = async (): Promise<string[]> =>
  (JSON.parse((await cli('alarm', 'list', '--json')).stdout) as { code: string; endedAt?: string }[]).flatMap(
    ({ code, endedAt }) => (endedAt === undefined ? [code] : []),
  )

const ready = async (): Promise<string> => {
  const { stdout } = await rig.run('appliance', [
    ...['curl', '-sS', '-o', '/dev/null', '-w', '%{http_code}', 'http://127.0.0.1:8300/readyz'],
  ])
  return stdout
}

/** All that is left of it. */
function fill(): string {
  const filler = onDisk('filler')
  for (const bytes of [64 * PAGE_BYTES, PAGE_BYTES, 1]) {
    try {
      for (;;) appendFileSync(filler, Buffer.alloc(bytes))
    } catch (error) {
      expect(error).toMatchObject({ code: 'ENOSPC' })
    }
  }
  return filler
}

/** What needs no record. */
async function unaffected(attempt: string): Promise<void> {
  expect((await dig(rig, 'rack', 'mirror.rack7.example.org')).stdout).toBe('10.77.0.5\n')
  expect((await tftp(rig, 'rack', 'undionly.kpxe'))?.length).toBe(LOADER_BYTES)
  const code = ['-o', '/dev/null', '-w', '%{http_code}', ...FROM_NODE1]
  for (const path of [`/isos/${ISO}/vmlinuz`, `/boot/${attempt}/vmlinuz`, `/boot/${attempt}/initrd.img`])
    expect((await curl(rig, 'rack', path, ...code)).stdout, path).toBe('200')
  expect((await cli('machine', 'list')).stdout).toMatch(/^node1\s+booting/m)
}

beforeAll(async () => {
  rig = await Rig.open('full')
  site = rig.site({ state: rig.path('disk', 'state') })
  await rig.run('appliance', ['mkdir', rig.path('disk')])
}, LIMIT_MS)

afterAll(() => rig.close(), LIMIT_MS)

test(
  'I04 a full disk: no lease and no answer without a record, in words, and all of it again when there is room',
  async () => {
    appliance = await serveOn('mount -t tmpfs -o size=4m none "$1"')
    await dhclient(rig, 'rack')
    const attempt = attemptIn((await bootScript(rig)).stdout)!
    const url = await answerUrl(rig)

    const filler = fill()
    expect((await udhcpc(rig, 'rack', '-x', '0x3d:01525400770099')).variables.get('ip')).toBeUndefined()
    await appliance.untilSaid('"reason":"store-failed"', SECONDS_MS)
    const refused = await askAnswer(rig, url)
    expect(refused.stdout).toMatch(/^Rackrise: the state can not be written[^\n]+; make room [^\n]+\n\n503$/)
    expect((await bootScript(rig)).stdout).toMatch(/^Rackrise: the state can not be written[^\n]+\n\n503$/)
    await unaffected(attempt)
    await until('alarms', async () => (await alarmed()).includes('store-failed'), SECONDS_MS)
    expect(await alarmed()).toEqual(expect.arrayContaining(['store-failed', 'disk-full']))
    expect([await ready(), (await cli('metrics')).stdout]).toEqual([
      '503',
      expect.stringMatching(/rackrise_alarms\{[^}]*code="store-failed"[^}]*\} 1/),
    ])
    const ordered = await cli('machine', 'reinstall', 'node1')
    expect([ordered.status, ordered.stderr]).toEqual([1, expect.stringMatching(/^rackrise machine: [^\n]+\n$/)])

    rmSync(filler)
    await until('a lease', async () => (await udhcpc(rig, 'rack')).variables.get('ip') === NODE1_ADDRESS, SECONDS_MS)
    await until('the end of the alarm', async () => !(await alarmed()).includes('store-failed'), SECONDS_MS)
    expect(await ready()).toBe('200')
    const answer = await askAnswer(rig, url)
    expect(answer.stdout).toMatch(/\n200$/)

    // A machine that has installed is not left in a shell: its report is written down later.
    const again = fill()
    expect((await report(rig, reportUrlIn(answer.stdout))).stdout).toBe('thank you\n')
    expect((await cli('machine', 'list')).stdout).toMatch(/^node1\s+installing/m)
    rmSync(again)
    await until('the report', async () => /^node1\s+installed/m.test((await cli('machine', 'list')).stdout), SECONDS_MS)
    const types = (await cli('machine', 'timeline', 'node1', '--json')).stdout.match(/"type": ?"[a-z-]+"/g) ?? []
    const count = (type: string): number => types.filter(found => found.includes(`"${type}"`)).length
    expect([count('attempt-started'), count('answer-served'), count('reported')]).toEqual([1, 1, 1])
    await appliance.kill()
  },
  LIMIT_MS,
)

test(
  'I04 no inode left: what runs goes on, and a start says what is lacking',
  async () => {
    appliance = await serveOn('mount -t tmpfs -o size=16m,nr_inodes=64 none "$1"')
    await dhclient(rig, 'rack')
    expect(() => {
      for (let count = 0; ; count++) closeSync(openSync(onDisk(`file-${count}`), 'w'))
    }).toThrow('ENOSPC')
    expect((await udhcpc(rig, 'rack')).variables.get('ip')).toBe(NODE1_ADDRESS)
    expect(await ready()).toBe('200')
    await appliance.kill()
    const mount = 'mount -t tmpfs -o size=16m,nr_inodes=2 none "$1"'
    const script = `${mount} && mkdir "$1"/state && shift && exec "$@"`
    const outcome = await rig.run('appliance', ['sh', '-c', script, 'sh', rig.path('disk'), ...rig.serveCommand(site)])
    expect([outcome.status, outcome.stderr]).toEqual([1, expect.stringMatching(/^rackrise serve: error: [^\n]+\n$/)])
    expect(outcome.stderr).toContain(rig.path('disk', 'state'))
  },
  LIMIT_MS,
)

test(
  'I04 a disk that an error made read-only: silence and an alarm, and after its repair everything that was acknowledged',
  async () => {
    const image = rig.path('disk.img')
    writeFileSync(image, Buffer.alloc(16 * 1024 * 1024))
    expect((await rig.run('appliance', ['mkfs.ext4', '-q', image])).status).toBe(0)
    appliance = await serveOn(`mount -o loop,errors=remount-ro ${image} "$1"`)
    await dhclient(rig, 'rack')
    const attempt = attemptIn((await bootScript(rig)).stdout)!
    const inMount = ['nsenter', `--mount=/proc/${appliance.pid}/ns/mnt`, 'sh', '-c']
    const broken = 'echo error > /sys/fs/ext4/$(basename $(findmnt -n -o SOURCE "$0"))/trigger_fs_error'
    expect((await rig.run('appliance', [...inMount, broken, rig.path('disk')])).status).toBe(0)
    expect((await udhcpc(rig, 'rack', '-x', '0x3d:01525400770099')).variables.get('ip')).toBeUndefined()
    await until('alarms', async () => (await alarmed()).includes('store-failed'), SECONDS_MS)
    expect((await bootScript(rig)).stdout).toMatch(/\n503$/)
    await unaffected(attempt)
    await appliance.kill('SIGTERM')
    const repaired = await rig.run('appliance', ['fsck.ext4', '-p', '-f', image])
    expect([0, 1]).toContain(repaired.status)
    appliance = await serveOn(`mount -o loop ${image} "$1"`)
    expect((await cli('machine', 'list')).stdout).toMatch(/^node1\s+booting\s+10\.77\.0\.11\s/m)
    expect((await udhcpc(rig, 'rack')).variables.get('ip')).toBe(NODE1_ADDRESS)
    await appliance.kill()
  },
  LIMIT_MS,
)
