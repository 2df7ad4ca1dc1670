/** What a machine does in a loop is counted, and neither its timeline nor the store grows with it. */
import { expect, test } from 'vitest'
import type { Ipv4 } from '../../services/kit/ipv4.ts'
import type { AttemptId, Fact } from '../../services/machine/event.ts'
import { DAY_MOST, NEWS_MOST } from '../../services/machine/repeats.ts'
import { viewEvent } from '../../services/console/machine-view.ts'
import { ANSWER, Fleet, NODE1, SCRIPT, siteOf, TOLD_LOCAL } from './rig.ts'

const MINUTE_MS = 60_000
const refused = (address: string): Fact => ({ type: 'answer-refused', reason: 'not-approved', address })

async function rig() {
  const fleet = await Fleet.open(siteOf(''))
  await fleet.registry.sight({ macs: [NODE1] }, 'dhcp')
  const texts = async () =>
    (await fleet.registry.timeline(fleet.machine(NODE1).id, 0, 5000)).map(viewEvent).map(({ text }) => text)
  return { fleet, texts, happen: (...facts: Fact[]) => fleet.happen(NODE1, ...facts) }
}

test('C13 an answer that is refused four times a minute is told once in ten minutes, with the count', async () => {
  const { fleet, texts, happen } = await rig()
  for (let second = 0; second < 241; second++) await happen(refused('10.77.0.9'))
  expect(await texts()).toHaveLength(2)
  fleet.clock.advance(10 * MINUTE_MS)
  await fleet.registry.sweep()
  expect((await texts()).slice(1)).toEqual([
    'refused an answer to 10.77.0.9: not-approved',
    '240 times more within 4 min: refused an answer to 10.77.0.9: not-approved',
  ])
})

test('the loader of the next boot is no repeat, however soon that is', async () => {
  const { fleet, happen } = await rig()
  const address = '10.77.0.9' as Ipv4
  const firmware: Fact = { type: 'leased', address, stage: 'firmware', loader: 'snponly.efi' }
  const loader: Fact = { type: 'loader-sent', file: 'snponly.efi', bytes: 271_360 }
  const ipxe: Fact = { type: 'leased', address, stage: 'ipxe' }
  await happen(firmware, loader, loader, ipxe, firmware, loader, ipxe)
  expect(fleet.store.typesOf(NODE1).slice(1)).toEqual([
    ...['leased', 'loader-sent', 'leased'],
    ...['leased', 'loader-sent', 'leased'],
  ])
})

test('what is counted is a sign of life, and telling the count is none', async () => {
  const { fleet, happen } = await rig()
  const heard = () => fleet.registry.heardAt(fleet.machine(NODE1))
  await happen(refused('10.77.0.9'), refused('10.77.0.9'))
  const last = fleet.clock.now()
  expect(heard()).toBe(last)
  fleet.clock.advance(30 * MINUTE_MS)
  await fleet.registry.sweep()
  expect([heard(), fleet.store.typesOf(NODE1).at(-1)]).toEqual([last, 'repeated'])
})

test('C13 however it varies what it says, a day of it is so many lines and a count in the hour', async () => {
  const { fleet, texts, happen } = await rig()
  for (let nth = 0; nth < DAY_MOST + 700; nth++) await happen(refused(`10.77.${nth >> 8}.${nth & 255}`))
  expect(await texts()).toHaveLength(1 + DAY_MOST)
  fleet.clock.advance(60 * MINUTE_MS)
  await fleet.registry.sweep()
  expect((await texts()).at(-1)).toBe('700 times more within 12 min: what changes nothing, beyond the measure of a day')
})

test('a boot loop that goes on beyond the measure of a day changes the machine no more, and its restart agrees', async () => {
  const { fleet } = await rig()
  for (let boot = 0; boot < DAY_MOST + 50; boot++) {
    fleet.clock.advance(31_000)
    await fleet.happen(NODE1, {
      type: 'leased',
      address: '10.77.0.9' as Ipv4,
      stage: 'firmware',
      loader: 'snponly.efi',
    })
  }
  expect(fleet.store.rows.length).toBeLessThanOrEqual(DAY_MOST + 3)
  const before = fleet.registry.machines()
  expect((await fleet.restart()).registry.machines()).toEqual(before)
})

test.each<[string, (nth: number, attempt: AttemptId) => Fact]>([
  ['that asks for its script', (_, attempt) => TOLD_LOCAL(attempt)],
  ['that asks for its address', () => ({ type: 'leased', address: '10.77.0.9' as Ipv4, stage: 'firmware' })],
  ['that asks for its answer', (_, attempt) => ANSWER(attempt)],
  ['that is given its address for good', (_, attempt) => ({ ...ANSWER(attempt), staticOn: NODE1 }) as Fact],
  ['that does all three', (nth, attempt) => (nth % 2 === 0 ? ANSWER(attempt) : TOLD_LOCAL(attempt))],
])('C13 a machine in an attempt %s again and again fills nothing, and its restart agrees', async (_, factOf) => {
  const { fleet, happen } = await rig()
  const attempt = await fleet.registry.startAttempt(fleet.machine(NODE1), { by: 'operator', again: false })
  if (typeof attempt !== 'string') throw new Error(attempt.message)
  await happen(SCRIPT(attempt), ANSWER(attempt), TOLD_LOCAL(attempt))
  const before = fleet.store.rows.length
  for (let nth = 0; nth < 2 * DAY_MOST; nth++) await happen(factOf(nth, attempt))
  expect(fleet.store.rows.length - before).toBeLessThanOrEqual(DAY_MOST + 1)
  const machines = fleet.registry.machines()
  expect((await fleet.restart()).registry.machines()).toEqual(machines)
})

test('what changes the state is kept, however often it comes', async () => {
  const { fleet, happen } = await rig()
  for (let nth = 0; nth < DAY_MOST + 1; nth++) await happen(refused(`10.78.${nth >> 8}.${nth & 255}`))
  await happen({ type: 'blocked' })
  expect([fleet.machine(NODE1).state, fleet.store.typesOf(NODE1).at(-1)]).toEqual(['blocked', 'blocked'])
})

test('C13 a machine that is another one with every packet is believed so often a day', async () => {
  const { fleet } = await rig()
  const { id } = fleet.machine(NODE1)
  for (let nth = 0; nth < 3 * NEWS_MOST; nth++) await fleet.registry.sight({ macs: [NODE1], serial: `S${nth}` }, 'http')
  expect(fleet.store.typesOf(id).filter(type => type === 'sighted')).toHaveLength(1 + NEWS_MOST)
  fleet.clock.advance(24 * 60 * MINUTE_MS)
  await fleet.registry.sight({ macs: [NODE1], serial: 'S-new' }, 'http')
  expect(fleet.machine(NODE1).serial).toBe('S-new')
})

test('what could not be written is not counted away the next time', async () => {
  const { fleet, happen } = await rig()
  fleet.store.broken = new Error('disk full')
  await expect(happen(refused('10.77.0.9'))).rejects.toThrow('disk full')
  fleet.store.broken = undefined
  await happen(refused('10.77.0.9'))
  expect(fleet.store.typesOf(NODE1)).toEqual(['sighted', 'answer-refused'])
})

test('an appliance that stops tells what it had only counted', async () => {
  const { fleet, happen } = await rig()
  await happen(refused('10.77.0.9'), refused('10.77.0.9'), refused('10.77.0.9'))
  await fleet.registry.close()
  expect(fleet.store.typesOf(NODE1)).toEqual(['sighted', 'answer-refused', 'repeated'])
})
