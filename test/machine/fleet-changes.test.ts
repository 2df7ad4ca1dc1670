/** What another site file makes of machines, and what it must not: break what those in an attempt were promised. */
import { describe, expect, test } from 'vitest'
import type { Ipv4 } from '../../services/kit/ipv4.ts'
import type { AttemptId, Fact } from '../../services/machine/event.ts'
import { fleetChanges, type MachineChange } from '../../services/machine/fleet-changes.ts'
import { brokenPromises, describeBroken } from '../../services/machine/promises.ts'
import type { Site } from '../../services/site/types.ts'
import { WITH_PROFILE } from '../site/sites.ts'
import { Fleet, LISTED, NODE1, siteOf, STRANGER } from './rig.ts'

const PBS = '[[profile]]\nname = "pbs"\niso = "pbs:latest"\nanswers = ["backup"]\n'
const BEFORE = siteOf(`${PBS}${LISTED}`)

function words({ name, change, keys, starts }: MachineChange): string {
  const values = keys.map(({ key, before = '-', after = '-' }) => `${key} ${before} > ${after}`)
  return `${change} ${name}${starts ? ', starts' : ''}: ${values.join('; ')}`
}

async function changesTo(after: Site, before = BEFORE): Promise<string[]> {
  const rig = await Fleet.open(before)
  const machines = rig.registry.machines()
  return fleetChanges(before, after, { machines, isHeldBack: () => false }).map(words)
}

describe('machines that another file changes', () => {
  test.each<[string, string, string[]]>([
    ['none', `${PBS}${LISTED}[log]\nlevel = "debug"\n`, []],
    ['another address', `${PBS}${LISTED.replace('.11', '.12')}`, ['changed node1: address 10.77.0.11 > 10.77.0.12']],
    [
      'another profile, with its layers and ISO',
      `${PBS}${LISTED.replace('"pve"', '"pbs"')}`,
      ['changed node1: profile pve > pbs; iso pve:latest > pbs:latest; answers - > backup'],
    ],
    [
      'no entry any more',
      PBS,
      ['removed node1: name node1 > -; profile pve > -; address 10.77.0.11 > -; iso pve:latest > -'],
    ],
    [
      'a first installation by the word of the file',
      `${PBS}${LISTED}serial = "7K2QX93"\napprove = true\n`,
      ['changed node1, starts: serial - > 7K2QX93; approve false > true'],
    ],
    [
      'a machine that nobody has seen, to be installed at once',
      `${PBS}${LISTED}[[machine]]\nname = "node2"\nmac = ["bc:24:11:ab:12:22"]\nprofile = "pbs"\napprove = true\n`,
      [
        'added node2, starts: name - > node2; profile - > pbs; iso - > pbs:latest; answers - > backup; approve false > true',
      ],
    ],
  ])('%s', async (_, after, expected) => {
    expect(await changesTo(siteOf(after))).toEqual(expected)
  })

  test('an ISO of a profile changes all its machines', async () => {
    const after = siteOf(LISTED, WITH_PROFILE.replace('pve:latest', 'pve:9.2'))
    expect(await changesTo(after, siteOf(LISTED))).toEqual(['changed node1: iso pve:latest > pve:9.2'])
  })

  test('a machine that was forgotten once is not said to start', async () => {
    const machines = (await Fleet.open(BEFORE)).registry.machines()
    const after = siteOf(`${PBS}${LISTED}approve = true\n`)
    const [change] = fleetChanges(BEFORE, after, { machines, isHeldBack: () => true })
    expect(change?.starts).toBe(false)
  })

  test('boot.unknown = "install" starts whoever nobody listed', async () => {
    const rig = await Fleet.open(siteOf())
    await rig.registry.sight({ macs: [STRANGER] }, 'dhcp')
    const after = siteOf(`${LISTED}[boot]\nunknown = "install"\n`)
    const view = { machines: rig.registry.machines(), isHeldBack: () => false }
    expect(fleetChanges(siteOf(), after, view).map(words)).toEqual([`changed ${STRANGER}, starts: `])
  })
})

type Step = (attempt: AttemptId) => Fact

const scriptAt =
  (address: string): Step =>
  attempt => ({ type: 'script-served', attempt, address: address as Ipv4, resumed: false })
const SCRIPT = scriptAt('10.77.0.11')
const ANSWER: Step = attempt => ({
  ...{ type: 'answer-served', attempt, address: '10.77.0.11', layers: [], sha256: '', leftOut: [], withToken: true },
})
const REPORT: Step = attempt => ({ type: 'reported', attempt, installed: { hostKeys: [] } })
const LEASE: Step = () => ({ type: 'leased', address: '10.77.0.150' as Ipv4, stage: 'ipxe' })

async function brokenBy(after: string, steps: Step[], before = BEFORE): Promise<string[]> {
  const rig = await Fleet.open(before)
  const attempt = await rig.registry.startAttempt(rig.machine(NODE1), { by: 'operator', again: false })
  if (typeof attempt !== 'string') throw new Error(attempt.message)
  await rig.happen(NODE1, ...steps.map(step => step(attempt)))
  return brokenPromises(before, siteOf(after), rig.registry.machines()).map(broken => {
    const { message, hint } = describeBroken(broken)
    return `${message}; ${hint}`.replace(attempt, 'A')
  })
}

describe('promises to machines in an attempt', () => {
  const IS_BOOTING = 'node1 is booting with attempt A, and this file would change it'
  const WAIT = 'wait for the end of its installation, or block it first (`rackrise machine block node1`)'
  const BLOCK = 'put that back, or block it, reload, then approve it again (`rackrise machine block node1`)'

  test.each<[string, string, Step[], string[]]>([
    ['what is not of its installation may change', `${PBS}${LISTED}[log]\nlevel = "debug"\n`, [SCRIPT], []],
    ['an approved machine takes new layers at its next boot', `${PBS}${LISTED}answers = ["node1"]\n`, [], []],
    [
      'an approved machine keeps the profile of its attempt',
      `${PBS}${LISTED.replace('"pve"', '"pbs"')}`,
      [],
      [`node1 is approved with attempt A, and this file would change it: profile pve would become pbs; ${BLOCK}`],
    ],
    [
      'an approved machine that the file no longer lists',
      PBS,
      [],
      [`node1 is approved with attempt A, and this file would change it: profile pve would become none; ${BLOCK}`],
    ],
    [
      'layers of a machine that boots',
      `${PBS}${LISTED}answers = ["node1"]\n`,
      [SCRIPT],
      [`${IS_BOOTING}: answers none would become node1; ${WAIT}`],
    ],
    [
      'its name and address',
      `${PBS}${LISTED.replace('node1', 'node7').replace('.11', '.12')}`,
      [SCRIPT],
      [
        `${IS_BOOTING}: name node1 would become node7; address 10.77.0.11 would become 10.77.0.12; lease 10.77.0.11 would become none; ${WAIT}`,
      ],
    ],
    [
      'the pool that its lease is of',
      `${PBS}${LISTED.replace('address = "10.77.0.11"\n', '')}`,
      [SCRIPT, LEASE],
      [`${IS_BOOTING}: address 10.77.0.11 would become none; ${WAIT}`],
    ],
    [
      'its entry, while it is installing',
      PBS,
      [SCRIPT, ANSWER],
      [
        `node1 is installing with attempt A, and this file would change it: name node1 would become none; address 10.77.0.11 would become none; lease 10.77.0.11 would become none; ${WAIT}`,
      ],
    ],
    ['an installed machine waits for nothing', PBS, [SCRIPT, ANSWER, REPORT], []],
    ['approval of the next first installation is no part of it', `${PBS}${LISTED}approve = true\n`, [SCRIPT], []],
  ])('%s', async (_, after, steps, expected) => {
    expect(await brokenBy(after, steps)).toEqual(expected)
  })

  test('a pool that shrinks around the address of a machine that boots', async () => {
    const entry = LISTED.replace('address = "10.77.0.11"\n', '')
    const rig = await Fleet.open(siteOf(entry))
    const attempt = (await rig.registry.startAttempt(rig.machine(NODE1), { by: 'operator', again: false })) as AttemptId
    await rig.happen(NODE1, scriptAt('10.77.0.150')(attempt))
    const after = siteOf(entry, WITH_PROFILE.replace('.100-10.77.0.199', '.100-10.77.0.149'))
    expect(brokenPromises(rig.site, after, rig.registry.machines()).map(({ keys }) => keys)).toEqual([
      [{ key: 'lease', before: '10.77.0.150' }],
    ])
  })
})
