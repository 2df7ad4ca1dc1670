/** Whatever arrives, the appliance stays the same process, forgets it, and serves the next machine as before. */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ALL_ANSWER, answering } from './appliance-clients.ts'
import { LEVEL_ERROR, type LogLine, Rig, type Running } from './appliance-rig.ts'

const LIMIT_MS = 60_000
const NEIGHBOUR = '10.77.0.66'
/** What a heap may keep of a storm until it is collected. */
const GROWTH_KIB = 100 * 1024

let rig: Rig
let site: string
let appliance: Running
let before: number

beforeAll(async () => {
  rig = await Rig.open('hostile')
  rig.ip('-n', rig.space('rack'), 'addr', 'add', `${NEIGHBOUR}/24`, 'dev', 'eth0')
  site = rig.site()
  appliance = await rig.serve(site)
  expect(await answering(rig, site)).toEqual(ALL_ANSWER)
  before = residentKib()
}, LIMIT_MS)

afterAll(() => rig.close(), LIMIT_MS)

function residentKib(): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${appliance.pid}/status`, 'utf8'))?.[1])
}

function command(what: string): string[] {
  return [process.execPath, 'test/interop/appliance-assault.ts', what, NEIGHBOUR]
}

/** What the kernel gave to UDP sockets beside the appliance, which are all its own. */
async function datagramsHeard(): Promise<number> {
  const { stdout } = await rig.run('appliance', ['cat', '/proc/net/snmp'])
  return Number(/^Udp: (\d+)/m.exec(stdout)?.[1])
}

type Said = { port?: number; sent?: number; replies?: number; shape?: string; statuses?: string[]; closed?: boolean }

async function assault(what: string): Promise<Said[]> {
  const { status, stdout, stderr } = await rig.run('rack', command(what), LIMIT_MS)
  expect([status, stderr]).toEqual([0, ''])
  return stdout
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as Said)
}

/** A pool without a free address is an alarm, as it should be; everything else at this level is a bug. */
function bugs(): LogLine[] {
  const wanted = ['pool-exhausted', 'other-server', 'other-boot-server']
  return appliance.log().filter(({ level, reason }) => level >= LEVEL_ERROR && !wanted.includes(String(reason)))
}

async function asBefore(): Promise<void> {
  expect(await answering(rig, site)).toEqual(ALL_ANSWER)
  expect(appliance.running).toBe(true)
  expect(bugs()).toEqual([])
  expect(appliance.stderr).toBe('')
  expect(residentKib() - before).toBeLessThan(GROWTH_KIB)
}

test(
  'datagrams of every length, cut, damaged and random, on every UDP port',
  async () => {
    const heard = await datagramsHeard()
    const said = await assault('udp')
    expect(said.filter(({ port }) => port).map(({ port, sent }) => [port, sent])).toEqual(
      [67, 68, 69, 53].map(port => [port, 601 * 3 + 10_000]),
    )
    // The storm was heard, and not dropped on the way.
    expect((await datagramsHeard()) - heard).toBeGreaterThan(20_000)
    expect(said.at(-1)!.replies).toBeGreaterThan(0)
    await appliance.untilSaid('malformed')
    // The reserved address is kept for its machine while a crowd was offered all others.
    await appliance.untilSaid('offered-again')
    // Thousands of servers that are not there are a few lines.
    const servers = appliance.log().filter(({ reason }) => reason === 'other-server')
    expect(servers.length).toBeGreaterThan(10)
    expect(servers.length).toBeLessThan(20)
    await asBefore()
  },
  LIMIT_MS,
)

test(
  'datagrams from port 0, where no reply can go',
  async () => {
    const heard = await datagramsHeard()
    const said = await assault('source-port-zero')
    expect(said.map(({ sent }) => sent)).toEqual([67, 68, 69, 53].flatMap(() => [8, 12, 20, 25, 68, 308, 608]))
    expect((await datagramsHeard()) - heard).toBeGreaterThanOrEqual(said.length)
    await asBefore()
  },
  LIMIT_MS,
)

test(
  'HTTP that two parsers would read differently gets one refusal and is cut',
  async () => {
    const said = (await assault('http')).filter(({ shape }) => shape)
    expect(said.every(({ closed }) => closed)).toBe(true)
    const statuses = Object.fromEntries(said.map(({ shape, statuses: all }) => [shape, all!.join(' ')]))
    // A tunnel is cut without a word; so may be what is cut while the client still sends.
    const tooLarge = expect.stringMatching(/^(431)?$/)
    expect(statuses).toEqual({
      'length and chunks': '400',
      'two lengths': '400',
      'chunks with a tail': '400',
      'chunks by another name': '400',
      'a blank before the colon': '400',
      'a negative length': '400',
      'a chunk size that overflows': '400',
      'a folded header': '400',
      'line feeds only': '400',
      'NUL in a header': '400',
      'no host': '400',
      'a version of its own': '400',
      'TLS to the plain port': '400',
      noise: '400',
      'a tunnel': '',
      'oversized headers': tooLarge,
      'twenty thousand headers': tooLarge,
      'a path of 60 KB': tooLarge,
    })
    await asBefore()
  },
  LIMIT_MS,
)

test(
  "connections that are held half-open are in nobody's way",
  async () => {
    const holder = rig.spawn('rack', command('hold'))
    await holder.untilSaid('open')
    expect((JSON.parse(holder.stdout) as { open: number }).open).toBeGreaterThan(100)
    await asBefore()
  },
  LIMIT_MS,
)
