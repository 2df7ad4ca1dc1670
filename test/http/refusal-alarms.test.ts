/** Attacks on answers and reports, one claim wrong at a time: refused, and an alarm that a person sees. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Mac } from '../../services/kit/mac.ts'
import { NODE1, NODE2, STRANGER } from '../machine/rig.ts'
import { type Ask, ELSEWHERE, HERE, Rig } from './rig.ts'

const UUID = '4c4c4544-0037-4b10-8032-b7c04f583933'
const GUESS = 'AAAAAAAAAAAAAAAAAAAAAAAAAAA'

let rig: Rig
beforeEach(async () => {
  rig = await Rig.start()
})
afterEach(() => rig.close())

const claims = (mac: string, system = {}): string =>
  JSON.stringify({
    product: { product: 'pve' },
    iso: { release: '9.2' },
    dmi: { system: { serial: '7K2QX93', uuid: UUID, ...system } },
    network_interfaces: [{ link: 'eno1', mac }],
  })

const ask = (how: Ask & { token?: string } = {}) =>
  rig.tls(`/answer/${how.token ?? rig.token('answer')}`, { method: 'POST', body: claims(NODE1), ...how })

const alarms = () => rig.alarms.list().map(({ code, subject, details }) => [code, subject, details['address']])

describe('T2 one claim that does not agree with the others', () => {
  beforeEach(async () => {
    await rig.bring('booting')
    await rig.registry.sight({ macs: [NODE1], serial: '7K2QX93', uuid: UUID }, 'http')
  })

  test('all of them true: an answer, and no alarm', async () => {
    expect((await ask()).status).toBe(200)
    expect(alarms()).toEqual([])
  })

  test.each<[string, Ask & { token?: string }, string, string]>([
    ['the address is another one', { from: ELSEWHERE }, 'address-mismatch', NODE1],
    ['the MAC that has the lease is not posted', { body: claims(STRANGER) }, 'mac-mismatch', NODE1],
    ['another serial number', { body: claims(NODE1, { serial: 'OTHER1' }) }, 'serial-mismatch', NODE1],
    ['another UUID', { body: claims(NODE1, { uuid: UUID.replace('4c', '5c') }) }, 'uuid-mismatch', NODE1],
    ['a token that nobody has', { token: GUESS }, 'unknown-token', NODE1],
  ])('%s: refused, and an alarm', async (_, how, code, subject) => {
    const reply = await ask(how)
    expect([reply.status, reply.text.includes('root-password'), rig.node1.state]).toEqual([403, false, 'booting'])
    expect(alarms()).toEqual([[code, subject, how.from ?? HERE]])
  })

  test('a stranger who knows the token and the MAC, without the lease', async () => {
    rig.holders.set(ELSEWHERE, NODE2)
    expect((await ask({ from: ELSEWHERE })).status).toBe(403)
    expect(alarms()).toEqual([['address-mismatch', NODE1, ELSEWHERE]])
  })

  test('a flood of guesses is one alarm, with its count', async () => {
    for (let n = 0; n < 5; n += 1) await ask({ token: GUESS })
    expect(rig.alarms.list()).toMatchObject([{ code: 'unknown-token', count: 5 }])
  })
})

describe('T4 who comes after the window was closed', () => {
  test('before the report the same machine gets the same answer, and the timeline shows both', async () => {
    await rig.bring('booting')
    expect([(await ask()).status, (await ask()).status]).toEqual([200, 200])
    expect((await rig.types()).filter(type => type === 'answer-served')).toHaveLength(2)
    expect(alarms()).toEqual([])
  })

  test('another machine that has the token meanwhile gets nothing, and that is an alarm', async () => {
    await rig.bring('booting')
    await ask()
    rig.holders.set(ELSEWHERE, STRANGER as Mac)
    expect((await ask({ from: ELSEWHERE })).status).toBe(403)
    expect((await ask({ from: ELSEWHERE, body: claims(STRANGER) })).status).toBe(403)
    expect(alarms().map(([code]) => code)).toEqual(expect.arrayContaining(['address-mismatch']))
    expect(rig.node1.state).toBe('installing')
  })

  test('after the report nobody does, the machine itself included, and that is an alarm', async () => {
    await rig.bring('installed')
    const reply = await ask()
    expect([reply.status, reply.text.includes('root-password')]).toEqual([409, false])
    expect(alarms()).toEqual([['already-installed', NODE1, HERE]])
    expect(rig.node1.state).toBe('installed')
  })
})

describe('T8 a forged report', () => {
  const report = (token: string, how: Ask = {}) => rig.tls(`/webhook/${token}`, { method: 'POST', body: '{}', ...how })

  test('with a guessed token: refused, and an alarm', async () => {
    await rig.bring('installing')
    expect((await report(GUESS)).status).toBe(404)
    expect([rig.node1.state, alarms()]).toEqual(['installing', [['unknown-token', HERE, HERE]]])
  })

  test('with the right one, from elsewhere: refused, and an alarm', async () => {
    await rig.bring('installing')
    expect((await report(rig.token('webhook'), { from: ELSEWHERE })).status).toBe(403)
    expect([rig.node1.state, alarms()]).toEqual(['installing', [['address-mismatch', NODE1, ELSEWHERE]]])
  })

  test.each(['held', 'approved', 'booting', 'failed', 'blocked'] as const)(
    'whoever reports cannot end what has no answer, nor begin anything: %s',
    async state => {
      await rig.bring(state)
      const token = rig.node1.attempt ? rig.token('webhook') : GUESS
      await report(token)
      expect([rig.node1.state, rig.node1.installed]).toEqual([state, undefined])
    },
  )
})

test('a boot script or file that is refused is no alarm: people and scanners ask for those', async () => {
  await rig.plain(`/boot.ipxe?mac=${NODE1}`, { from: ELSEWHERE })
  await rig.plain('/boot/00000000/vmlinuz')
  expect(alarms()).toEqual([])
})
