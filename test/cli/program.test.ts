import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { goodSite, rackrise } from './rig.ts'

// Child processes, on a machine that does other things too.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const MAIN = join(import.meta.dirname, '../../services/main.ts')

type Ended = { status: number | null; signal: string | null; out: string; err: string }

/** @param ids of the user that it runs as */
async function run(args: string[], ids: { uid?: number; gid?: number } = {}, isRead = true): Promise<Ended> {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'], ...ids })
  if (!isRead) child.stdout.destroy()
  const ended = { out: '', err: '' }
  child.stdout.on('data', (part: Buffer) => (ended.out += part.toString()))
  child.stderr.on('data', (part: Buffer) => (ended.err += part.toString()))
  const [status, signal] = (await once(child, 'close')) as [number | null, string | null]
  return { status, signal, ...ended }
}

test('a reader that has enough ends a command without a word', async () => {
  expect(await run(['completion', 'bash'], {}, false)).toEqual({ status: null, signal: 'SIGTERM', out: '', err: '' })
})

/** Root may look everywhere. */
const OTHER = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {}

test.each([
  ['alarm', 'list'],
  ['machine', 'list'],
  ['lease', 'list'],
  ['explain', 'node1'],
  ['backup', '--force'],
  ['restore', '--all-known'],
])('whom the state is closed to is told that, and not that no appliance runs: %s %s', async (...words) => {
  const { folder, file } = await goodSite()
  const state = join(folder, 'state')
  await mkdir(state)
  await chmod(folder, 0o755)
  await chmod(state, 0o000)
  const { status, out, err } = await run([...words, '--config', file], OTHER)
  await chmod(state, 0o700)
  await rm(folder, { recursive: true })
  expect([status, out]).toEqual([1, ''])
  expect(err).toMatch(
    /^rackrise \w+: error: .+ may not look into the state in \S+\/state; repeat the command with sudo, .+\n$/,
  )
})

test('there is nothing to follow without an appliance, and JSON says so, too', async () => {
  const { folder, file } = await goodSite()
  const follow = ['machine', 'timeline', 'node1', '--follow', '--config', file]
  const said = await rackrise(folder, ...follow)
  const asJson = await rackrise(folder, ...follow, '--json')
  await rm(folder, { recursive: true })
  expect([said.status, said.out, said.err]).toEqual([
    1,
    '',
    `rackrise machine: error: no appliance runs on the state in ${folder}/state, and without one nothing happens that could be followed; start it with \`rackrise serve\`, or name its site file with --config\n`,
  ])
  expect([asJson.status, asJson.err, JSON.parse(asJson.out)]).toMatchObject([
    1,
    '',
    { problems: [{ code: 'not-running', severity: 'error' }] },
  ])
})
