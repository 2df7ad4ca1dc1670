/**
 * A disk that is full, for real: the state lies on a small file system of its own, in a mount namespace, until something else takes what is left of
 * it. Nobody is acknowledged without a record; as soon as there is room again, service goes on.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { appendFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, expect, test } from 'vitest'
import { Crowd } from './dhcp-crowd.ts'
import type { Ready } from './dhcp-kill-server.ts'

const PROGRAM = [process.execPath, join(import.meta.dirname, 'dhcp-kill-server.ts')]
const DISK = 'size=4m'
const PAGE_BYTES = 4096
const PATIENCE_MS = 10_000
/** In this time a server that still acknowledges does so hundreds of times. */
const SILENCE_MS = 1000
const LIMIT_MS = 60_000

const folder = mkdtempSync(join(tmpdir(), 'rackrise-full-'))
const disk = join(folder, 'disk')
const state = join(disk, 'state')
const children: ChildProcess[] = []

afterAll(() => {
  for (const child of children) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

function start(command: string[]) {
  const child = spawn(command[0]!, command.slice(1), { stdio: ['pipe', 'pipe', 'inherit'] })
  children.push(child)
  const reasons = new Set<string>()
  const ready = new Promise<Ready>(resolve => {
    createInterface({ input: child.stdout! }).on('line', line => {
      const said = JSON.parse(line) as Ready | { reason: string }
      if ('reason' in said) reasons.add(said.reason)
      else resolve(said)
    })
  })
  return { child, ready, reasons }
}

/** Takes all that is left of the disk, as the namespace of that process sees it. */
function fill(pid: number): string {
  const filler = join('/proc', `${pid}`, 'root', disk, 'filler')
  try {
    for (;;) appendFileSync(filler, Buffer.alloc(PAGE_BYTES))
  } catch (error) {
    expect(error).toMatchObject({ code: 'ENOSPC' })
  }
  return filler
}

test(
  'I04 D13 a full disk: silence and an alarm, no acknowledgement without a record, and service again without a restart',
  async () => {
    mkdirSync(disk)
    const script = 'mount -t tmpfs -o "$1" none "$2" && shift 2 && exec "$@"'
    const server = start(['unshare', '--mount', 'sh', '-c', script, 'sh', DISK, disk, ...PROGRAM, state])
    const { port } = await server.ready
    const crowd = await Crowd.open()
    crowd.begin(port)
    await crowd.untilAcknowledged(100, PATIENCE_MS)

    const filler = fill(server.child.pid!)
    await expect.poll(() => server.reasons.has('store-failed'), { timeout: PATIENCE_MS }).toBe(true)
    crowd.begin(port)
    const before = crowd.acks
    await new Promise(resolve => setTimeout(resolve, SILENCE_MS))
    expect(crowd.acks).toBe(before)

    rmSync(filler)
    crowd.begin(port)
    await crowd.untilAcknowledged(100, PATIENCE_MS)
    await crowd.pause()
    expect(crowd.acks).toBeGreaterThanOrEqual(before + 100)
    expect([crowd.wrongs, [...server.reasons]]).toEqual([[], ['store-failed']])

    // Another one that starts on the same state has to know all of it.
    const reader = start(['nsenter', `--mount=/proc/${server.child.pid}/ns/mnt`, ...PROGRAM, state])
    expect(crowd.missingFrom(await reader.ready)).toEqual([])
    crowd.close()
  },
  LIMIT_MS,
)
