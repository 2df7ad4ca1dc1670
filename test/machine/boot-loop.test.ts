/** When a machine goes in circles, and what that changes (H19). */
import { describe, expect, test } from 'vitest'
import { dhcpPlan, scriptPlan } from '../../services/boot/plan.ts'
import {
  BOOTS_MOST,
  countBoot,
  type FutileBoots,
  loopIn,
  SAME_BOOT_MS,
  stageToldOf,
  WITHIN_MS,
} from '../../services/machine/boot-loop.ts'
import type { AttemptId, Fact, MachineId } from '../../services/machine/event.ts'
import { advance, type Machine, newMachine } from '../../services/machine/lifecycle.ts'
import type { Ipv4 } from '../../services/kit/ipv4.ts'

const MINUTE = 60_000
const MAC = 'bc:24:11:ab:12:21' as MachineId
const A1 = 'a1a1a1a1' as AttemptId
const ADDRESS = '10.77.0.11' as Ipv4

/** Boots at these minutes. */
const at = (...minutes: number[]): FutileBoots =>
  minutes.reduce<FutileBoots>((boots, minute) => countBoot(boots, 'firmware', minute * MINUTE), {})

describe('H19 how many boots are too many', () => {
  test.each<[string, FutileBoots, number, number | undefined]>([
    ['firmware that asks twice a minute, after three', at(0, 0.5, 1, 1.5, 2, 2.5), 3, 180],
    ['one fewer', at(0, 0.5, 1, 1.5, 2), 2.5, undefined],
    ['the last of them is still on its way', at(0, 0.5, 1, 1.5, 2, 2.5), 2.9, undefined],
    ['a big server that resets every ten minutes, within the hour', at(0, 9, 18, 27, 36, 45), 54, 3240],
    ['six questions of one boot are one boot', at(0, 0.1, 0.2, 0.3, 0.4, 0.45), 2, undefined],
    ['a machine that is rebooted every quarter of an hour', at(0, 15, 30, 45, 60, 75, 90, 105), 120, undefined],
    [
      'a machine that is rebooted daily, for a month',
      at(...Array.from({ length: 30 }, (_, day) => day * 1440)),
      43_200,
      undefined,
    ],
    ['what was long ago does not count', at(0, 1, 2, 3, 4, 64, 65), 66, undefined],
  ])('%s', (_, boots, now, seconds) => {
    expect(loopIn(boots, 'firmware', now * MINUTE)?.seconds).toBe(seconds)
  })

  test('no more is kept than it takes', () => {
    const boots = at(...Array.from({ length: 100 }, (_, minute) => minute * 0.5))
    expect(boots.firmware).toHaveLength(BOOTS_MOST)
    expect([SAME_BOOT_MS, WITHIN_MS]).toEqual([30_000, 3_600_000])
  })
})

const approved: Fact = { type: 'attempt-started', attempt: A1, by: 'operator', again: false, profile: 'pve' }
const script: Fact = { type: 'script-served', attempt: A1, address: ADDRESS, resumed: false }
const served = { attempt: A1, address: ADDRESS, layers: [], sha256: '', leftOut: [], withToken: true }
const report: Fact[] = [
  { type: 'answer-served', ...served },
  { type: 'reported', attempt: A1, installed: {} },
]
const firmware: Fact = { type: 'leased', address: ADDRESS, stage: 'firmware', loader: 'snponly.efi' }
const ipxe: Fact = { type: 'leased', address: ADDRESS, stage: 'ipxe' }
const told: Fact = { type: 'local-disk-told' }
const again = (attempt: string): Fact => ({ ...approved, attempt: attempt as AttemptId, again: true }) as Fact

/** Facts a minute apart. A boot that closes the circle is told nothing: it makes the loop a fact instead, as the fleet of DHCP does. */
function after(...facts: Fact[]): Machine {
  return facts.reduce(
    (machine, fact, index) => {
      const event = { ...fact, at: (index + 1) * MINUTE, source: 'dhcp' } as const
      const stage = stageToldOf(event)
      const loop = stage && machine.loop === undefined ? loopIn(machine.futile ?? {}, stage, event.at) : undefined
      return advance(machine, loop ? { ...loop, at: event.at, source: 'dhcp' } : event).machine
    },
    newMachine(MAC, 0),
  )
}

const times = (count: number, ...facts: Fact[]): Fact[] => Array.from({ length: count }, () => facts).flat()

function plansOf(machine: Machine): string[] {
  const view = { scriptUrl: 'u', loops: machine.loop !== undefined }
  const there = new Set(['snponly.efi'])
  const load = dhcpPlan({ stage: 'firmware', via: 'tftp', architecture: 'x64-uefi' }, view, there)
  const chain = dhcpPlan({ stage: 'ipxe' }, view, there)
  return [load, chain].map(plan => (plan.do === 'nothing' ? plan.reason : plan.do))
}

const WORKS = ['load', 'script']
const WAITS = ['boot-loop', 'boot-loop']

describe('H19 what it does to a machine', () => {
  test.each<[string, Fact[], Machine['state'], string[]]>([
    ['an approved one is stalled and waits', [approved, ...times(7, firmware)], 'stalled', WAITS],
    ['six boots are nothing yet', [approved, ...times(6, firmware)], 'approved', WORKS],
    ['iPXE that never fetches its script, too', [approved, ...times(7, ipxe)], 'stalled', WAITS],
    ['firmware and iPXE in turns are counted apart', [approved, ...times(6, firmware, ipxe)], 'approved', WORKS],
    [
      'one that had its script once and comes back without',
      [approved, script, ...times(7, firmware)],
      'stalled',
      WAITS,
    ],
    ['one that nobody approved stays held, and boots its disk', times(7, firmware), 'held', WAITS],
    [
      'an installed one stays installed, and boots its disk',
      [approved, script, ...report, ...times(7, firmware)],
      'installed',
      WAITS,
    ],
    [
      'firmware that is given no loader is not counted',
      [approved, ...times(9, { ...firmware, loader: undefined } as never)],
      'approved',
      WORKS,
    ],
    [
      'told by a proxy, it is the same',
      [approved, ...times(7, { type: 'boot-told', stage: 'firmware', loader: 'snponly.efi' })],
      'stalled',
      WAITS,
    ],
    ['a held machine that reboots all day, with its script each time', times(40, firmware, ipxe, told), 'held', WORKS],
    [
      'an installed machine likewise',
      [approved, script, ...report, ...times(40, firmware, ipxe, told)],
      'installed',
      WORKS,
    ],
    [
      'a machine whose loader fails and that boots its disk by itself, all day',
      times(20, firmware, { type: 'leased', address: ADDRESS, stage: 'system' }),
      'held',
      WORKS,
    ],
  ])('%s', (_, facts, state, plans) => {
    const machine = after(...facts)
    expect([machine.state, plansOf(machine)]).toEqual([state, plans])
  })

  test('the reason is in words', () => {
    const { reason, loop } = after(approved, ...times(7, firmware))
    expect([reason, loop]).toEqual([
      'its loader was given 6 times in 6 min and the script never fetched: it gets nothing more to boot until it fetches it or is approved',
      reason,
    ])
  })
})

describe('H19 what ends it', () => {
  const looped = [approved, ...times(7, firmware)]
  test.each<[string, Fact[], Machine['state']]>([
    ['approving it anew', [...looped, again('a2a2a2a2')], 'approved'],
    [
      'reinstalling an installed one',
      [approved, script, ...report, ...times(7, firmware), again('a2a2a2a2')],
      'approved',
    ],
    ['approving one that was only held', [...times(7, firmware), approved], 'approved'],
    ['its script, fetched after all: the attempt goes on', [...looped, script], 'booting'],
    ['booting its disk by its script', [...times(7, firmware), told], 'held'],
  ])('%s', (_, facts, state) => {
    const machine = after(...facts)
    expect([machine.state, machine.loop, machine.reason, plansOf(machine)]).toEqual([
      state,
      undefined,
      undefined,
      WORKS,
    ])
  })

  test('a stalled one that fetches its script after all is told to install; one that fell silent is not', () => {
    expect(scriptPlan(after(...looped), 0, false).do).toBe('install')
    const silent = after(approved, script, { type: 'stalled', attempt: A1, silentSeconds: 1200, stage: 'ipxe' })
    expect(scriptPlan(silent, 0, false)).toEqual({ do: 'local-disk', because: 'stalled' })
  })

  test('neither more of the same, nor time', () => {
    const machine = after(...looped, ...times(3, firmware))
    expect(plansOf(machine)).toEqual(WAITS)
    const late = advance(machine, { ...firmware, at: 99 * 24 * 60 * MINUTE, source: 'dhcp' }).machine
    expect([late.state, plansOf(late)]).toEqual(['stalled', WAITS])
  })

  test('as many are needed after progress', () => {
    expect(plansOf(after(...looped, script, ...times(6, firmware)))).toEqual(WORKS)
    expect(plansOf(after(...looped, script, ...times(7, firmware)))).toEqual(WAITS)
  })
})
