/** SIGKILL at random instants, on a real store and real sockets, while a crowd of machines takes leases: what was acknowledged is there afterwards. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, expect, test } from 'vitest'
import { Crowd } from './dhcp-crowd.ts'
import type { Ready } from './dhcp-kill-server.ts'

const PROGRAM = join(import.meta.dirname, 'dhcp-kill-server.ts')
const KILLS = 200
/** Each with a server and a state of its own, so that one starts while the other is under load. */
const LANES = 2
/** A server is killed after so many acknowledgements at most, and a moment more, so that a flush, a reply or a start of the next flush is under way. */
const ACKS_MOST = 120
const MOMENT_MS = 5
/** How long a server may take for them. */
const PATIENCE_MS = 3000
/** In this time a server starts; one that is killed early does not get further. */
const START_MS = 300
/** One in so many is killed before it says that it serves. */
const EARLY_EVERY = 10
const LIMIT_MS = 300_000

const folder = mkdtempSync(join(tmpdir(), 'rackrise-kill-'))
const children = new Set<ChildProcess>()

afterAll(() => {
  for (const child of children) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

/** The same instants for the same seed (mulberry32). */
function chance(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

function start(state: string): { child: ChildProcess; ready: Promise<Ready> } {
  const env = { ...process.env, NODE_COMPILE_CACHE: join(folder, 'cache') }
  const child = spawn(process.execPath, [PROGRAM, state], { stdio: ['pipe', 'pipe', 'inherit'], env })
  children.add(child)
  const ready = new Promise<Ready>((resolve, reject) => {
    createInterface({ input: child.stdout! }).once('line', line => resolve(JSON.parse(line) as Ready))
    child.once('exit', code => reject(new Error(`the server ended by itself with ${code}`)))
  })
  return { child, ready }
}

async function kill(child: ChildProcess): Promise<void> {
  const ended = new Promise(resolve => child.once('exit', resolve))
  child.kill('SIGKILL')
  await ended
  children.delete(child)
}

async function lane(seed: number): Promise<Crowd> {
  const random = chance(seed)
  const state = join(folder, `${seed}`)
  const crowd = await Crowd.open()
  for (let kills = 0; kills < KILLS / LANES; kills++) {
    const { child, ready } = start(state)
    if (kills % EARLY_EVERY === EARLY_EVERY - 1) {
      ready.catch(() => {})
      await new Promise(resolve => setTimeout(resolve, random() * START_MS))
      await kill(child)
      continue
    }
    const said = await ready
    expect(crowd.missingFrom(said), `seed ${seed}, kill ${kills}`).toEqual([])
    crowd.begin(said.port)
    await crowd.untilAcknowledged(Math.floor(random() * ACKS_MOST), PATIENCE_MS)
    await new Promise(resolve => setTimeout(resolve, random() * MOMENT_MS))
    await kill(child)
    await crowd.pause()
    expect(crowd.wrongs, `seed ${seed}, kill ${kills}`).toEqual([])
  }
  const { child, ready } = start(state)
  expect(crowd.missingFrom(await ready), `seed ${seed}, after all kills`).toEqual([])
  await kill(child)
  crowd.close()
  return crowd
}

test(
  'I01 an acknowledged lease survives SIGKILL: 200 kills under load',
  async () => {
    const first = Math.floor(Math.random() * 2 ** 31)
    const crowds = await Promise.all(Array.from({ length: LANES }, (_, index) => lane(first + index)))
    for (const { acks, acknowledged } of crowds) {
      // Half of what is expected; less would be no load.
      expect(acks).toBeGreaterThan(((KILLS / LANES) * ACKS_MOST) / 4)
      expect(new Set([...acknowledged.values()].map(({ address }) => address)).size).toBe(acknowledged.size)
    }
  },
  LIMIT_MS,
)

test(
  'the check above can fail: a server that lost its state is noticed',
  async () => {
    const crowd = await Crowd.open()
    const before = start(join(folder, 'before'))
    crowd.begin((await before.ready).port)
    await crowd.untilAcknowledged(50, PATIENCE_MS)
    await kill(before.child)
    await crowd.pause()
    const after = start(join(folder, 'after'))
    expect(crowd.acknowledged.size).toBeGreaterThan(0)
    expect(crowd.missingFrom(await after.ready)).toHaveLength(crowd.acknowledged.size)
    await kill(after.child)
    crowd.close()
  },
  LIMIT_MS,
)
