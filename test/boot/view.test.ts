import { describe, expect, test } from 'vitest'
import { bootView, expectsAnswer, loaderKindOf, silentReason } from '../../services/boot/view.ts'
import type { AttemptId, MachineId } from '../../services/machine/event.ts'
import { type Machine, type MachineState, newMachine } from '../../services/machine/lifecycle.ts'
import type { Listing } from '../../services/machine/listing.ts'

const attempt = { id: 'a1a1a1a1' as AttemptId, profile: 'pve', startedAt: 0, resumes: 0 }
const machine = (partial: Partial<Machine>): Machine => ({
  ...newMachine('bc:24:11:ab:12:21' as MachineId, 0),
  ...partial,
})
const listing = (from: Listing['from']): Listing => ({ from, answers: [], approve: false, options: [] })

describe('H24 who may be told where the answer is', () => {
  test.each<[MachineState, boolean]>([
    ['held', false],
    ['approved', false],
    ['booting', true],
    ['installing', true],
    ['stalled', true],
    ['installed', false],
    ['failed', false],
    ['blocked', false],
  ])('%s: %s', (state, told) => {
    expect(expectsAnswer(machine({ state, attempt }))).toBe(told ? 'a1a1a1a1' : undefined)
    expect(expectsAnswer(machine({ state }))).toBeUndefined()
  })
})

describe('who hears nothing at all', () => {
  test.each<[string, Partial<Machine>, Listing['from'], 'hold' | 'install' | 'ignore', string | undefined]>([
    ['a blocked machine', { state: 'blocked' }, 'machine', 'hold', 'blocked'],
    [
      'a blocked machine that is not listed, where those are ignored',
      { state: 'blocked' },
      'nothing',
      'ignore',
      'blocked',
    ],
    ['a machine that is not listed, where those are ignored', {}, 'nothing', 'ignore', 'ignored'],
    ['the same, where a rule fits it', {}, 'rule', 'ignore', undefined],
    ['the same, where it is listed', {}, 'machine', 'ignore', undefined],
    [
      'the same, once a person has approved it',
      { attempts: 1, attempt, state: 'booting' },
      'nothing',
      'ignore',
      undefined,
    ],
    ['a machine that is not listed, where those are held', {}, 'nothing', 'hold', undefined],
  ])('%s', (_, partial, from, unknown, reason) => {
    expect(silentReason(machine(partial), listing(from), unknown)).toBe(reason)
  })
})

test('a view has what is set, and nothing else', () => {
  const answer = { url: 'https://10.77.0.1/answer/t', fingerprint: 'AB' }
  expect([bootView(undefined, 'u'), bootView('blocked', 'u'), bootView(undefined, 'u', answer)]).toEqual([
    { scriptUrl: 'u' },
    { scriptUrl: 'u', silent: 'blocked' },
    { scriptUrl: 'u', answer },
  ])
})

describe('which loader a machine gets', () => {
  const site = {
    boot: { loader: 'ipxe' },
    profiles: new Map([
      ['pve', { loader: 'grub' }],
      ['pbs', {}],
    ]),
  } as unknown as Parameters<typeof loaderKindOf>[2]
  const attempt = { id: 'a1a1a1a1' as AttemptId, profile: 'pve', startedAt: 0, resumes: 0 }
  test.each<[string, Partial<Machine>, Parameters<typeof loaderKindOf>[1], string]>([
    ['nobody says', {}, {}, 'ipxe'],
    ['its profile', {}, { profile: 'pve' }, 'grub'],
    ['its entry or rule comes first', {}, { profile: 'pve', loader: 'ipxe' }, 'ipxe'],
    ['a profile without a word', {}, { profile: 'pbs' }, 'ipxe'],
    ['the profile of its attempt, where nothing lists it', { attempt }, {}, 'grub'],
    ['the profile of its attempt, where another one is listed', { attempt }, { profile: 'pbs' }, 'grub'],
  ])('%s', (_, partial, listing, kind) => {
    expect(loaderKindOf(machine(partial), listing, site)).toBe(kind)
  })
})
