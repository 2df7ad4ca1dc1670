/**
 * The clock of the host is set while the appliance runs: a machine without a battery that hears of the time late, a hypervisor that wakes up, a wrong
 * time service. Debian's libfaketime says the time to this one process; the count that nobody sets stays the kernel's.
 */
import { writeFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ALL_ANSWER, answering, curl, dhclient } from './appliance-clients.ts'
import { LEVEL_ERROR, NODE1_ADDRESS, NODE1_MAC, Rig, type Running, until } from './appliance-rig.ts'

const LIMIT_MS = 90_000
const LIBRARY = '/usr/$LIB/faketime/libfaketime.so.1'

let rig: Rig
let site: string
let appliance: Running

const setClock = (offset: string): void => writeFileSync(rig.path('clock'), `${offset}\n`)

async function serve(): Promise<Running> {
  const fake = [`LD_PRELOAD=${LIBRARY}`, `FAKETIME_TIMESTAMP_FILE=${rig.path('clock')}`, 'FAKETIME_NO_CACHE=1']
  const running = rig.spawn('appliance', ['env', ...fake, 'FAKETIME_DONT_FAKE_MONOTONIC=1', ...rig.serveCommand(site)])
  await running.untilSaid('is serving')
  return running
}

beforeAll(async () => {
  rig = await Rig.open('clock')
  site = rig.site()
  setClock('+0')
  appliance = await serve()
}, LIMIT_MS)

afterAll(() => rig.close(), LIMIT_MS)

const state = async (): Promise<{ state: string; attempt: { id: string } }> =>
  JSON.parse((await rig.cli(site, 'machine', 'show', 'node1', '--json')).stdout)

async function lease(): Promise<{ state: string; expiresAt: string; address: string }[]> {
  return JSON.parse((await rig.cli(site, 'lease', 'list', '--json')).stdout)
}

test(
  'I06 forward by a year, back by an hour, to 1970: leases, attempts and services go on, and it says so',
  async () => {
    await dhclient(rig, 'rack')
    await curl(rig, 'rack', `/boot.ipxe?mac=${NODE1_MAC}`, '--interface', NODE1_ADDRESS)
    const before = await state()
    expect(before.state).toBe('booting')
    const steps: [offset: string, words: string][] = [
      ['+31536000', 'was set forward by 365 days'],
      ['-3600', 'was set back by 365 days'],
      ['-1795000000', 'was set back by'],
      ['+0', 'was set forward by'],
    ]
    for (const [offset, words] of steps) {
      const told = appliance.stdout.split(words).length
      setClock(offset)
      await until(`"${words}" once more`, () => appliance.stdout.split(words).length > told)
      expect((await lease()).map(({ state, address }) => [address, state])).toEqual([[NODE1_ADDRESS, 'bound']])
      expect(await answering(rig, site)).toEqual(ALL_ANSWER)
      expect(await state()).toMatchObject({ state: 'booting', attempt: { id: before.attempt.id } })
    }
    const alarms = JSON.parse((await rig.cli(site, 'alarm', 'list', '--json')).stdout) as { code: string }[]
    expect(alarms.map(({ code }) => code)).toContain('clock-stepped')
    expect(appliance.log().filter(({ level }) => level >= LEVEL_ERROR)).toEqual([])
    expect(appliance.stdout).not.toContain('"event":"stalled"')
  },
  LIMIT_MS,
)

test(
  'I06 begun in 1970 and set right later: what was leased before counts, and nothing is installed',
  async () => {
    const before = await state()
    await appliance.kill('SIGKILL')
    setClock('-1795000000')
    appliance = await serve()
    expect((await lease()).map(({ state, address }) => [address, state])).toEqual([[NODE1_ADDRESS, 'bound']])
    setClock('+0')
    await appliance.untilSaid('was set forward by')
    expect((await lease()).map(({ state, address }) => [address, state])).toEqual([[NODE1_ADDRESS, 'bound']])
    expect(await answering(rig, site)).toEqual(ALL_ANSWER)
    expect(await state()).toMatchObject({ state: 'booting', attempt: { id: before.attempt.id } })
  },
  LIMIT_MS,
)
