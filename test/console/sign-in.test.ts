import { beforeEach, describe, expect, test } from 'vitest'
import { hashPassword, type PasswordHash } from '../../services/console/password-hash.ts'
import { SignIn, Turnstile } from '../../services/console/sign-in.ts'
import type { Users } from '../../services/console/users.ts'
import { FakeClock } from '../fake/clock.ts'

const PASSWORD = 'a rack of seven servers'
const CHEAP = { ln: 10, r: 8, p: 3 }

let clock: FakeClock
let signIn: SignIn
let users: Users
let hash: PasswordHash

beforeEach(async () => {
  clock = new FakeClock()
  signIn = new SignIn(clock, CHEAP)
  hash = await hashPassword(PASSWORD, CHEAP)
  users = { users: new Map([['anna', { name: 'anna', role: 'operator', password: hash }]]), tokens: new Map() }
})

const check = (name: string, password: string, address = '10.0.0.1') => signIn.check({ name, password, address }, users)

async function outcomes(times: number, name: string, password: string, address: (count: number) => string) {
  const all: string[] = []
  for (let count = 0; count < times; count += 1) {
    const outcome = await check(name, password, address(count))
    all.push('refused' in outcome ? outcome.refused : 'in')
  }
  return all
}

test('the right password', async () => {
  expect(await check('anna', PASSWORD)).toEqual({ user: users.users.get('anna') })
})

test('the right password, and its hash made anew with what is usual now', async () => {
  signIn = new SignIn(clock)
  const outcome = await check('anna', PASSWORD)
  if ('refused' in outcome) throw new Error(outcome.refused)
  expect([outcome.user.name, outcome.strengthened?.cost]).toEqual(['anna', { ln: 15, r: 8, p: 3 }])
})

test('a wrong one, and a name that nobody has', async () => {
  expect(await check('anna', 'a rack of six servers')).toEqual({ refused: 'wrong-password' })
  expect(await check('zoe', PASSWORD)).toEqual({ refused: 'unknown-user' })
})

describe('tries', () => {
  test('of one address: ten, then one every six seconds', async () => {
    const from = () => '10.0.0.1'
    const slips = Array.from({ length: 10 }, () => 'unknown-user')
    // Another name each time: what counts is the address.
    const all: string[] = []
    for (let count = 0; count < 11; count += 1) all.push(...(await outcomes(1, `zoe${count}`, 'x', from)))
    expect(all).toEqual([...slips, 'too-many-tries'])
    clock.advance(5_900)
    expect(await outcomes(1, 'zoe', 'x', from)).toEqual(['too-many-tries'])
    clock.advance(200)
    expect(await outcomes(2, 'zoe', 'x', from)).toEqual(['unknown-user', 'too-many-tries'])
  })

  test('for one name, from however many addresses: ten, then one every twenty seconds', async () => {
    const from = (count: number) => `10.0.0.${count}`
    expect(await outcomes(11, 'anna', 'x', from)).toEqual([
      ...Array.from({ length: 10 }, () => 'wrong-password'),
      'too-many-tries',
    ])
    clock.advance(20_100)
    expect(await outcomes(1, 'anna', PASSWORD, () => '10.0.1.1')).toEqual(['in'])
  })

  test('that are right are none', async () => {
    expect(await outcomes(12, 'anna', PASSWORD, () => '10.0.0.1')).toEqual(Array.from({ length: 12 }, () => 'in'))
  })
})

test('a name that nobody has is as much work, and beyond what is checked at once people come again', async () => {
  const all = Array.from({ length: 19 }, (_, count) => check(`zoe${count}`, PASSWORD, `10.0.0.${count}`))
  const refused = (await Promise.all(all)).map(outcome => ('refused' in outcome ? outcome.refused : 'in'))
  expect(refused.toSorted((a, b) => a.localeCompare(b))).toEqual([
    'sign-in-busy',
    ...Array.from({ length: 18 }, () => 'unknown-user'),
  ])
})

describe('the turnstile', () => {
  test('two at once, the others in turn, and too many are told to come again', async () => {
    const turnstile = new Turnstile(2, 2)
    const leave: (() => void)[] = []
    const ran: number[] = []
    const pass = (number: number) =>
      turnstile.pass(() => {
        ran.push(number)
        return new Promise<number>(resolve => leave.push(() => resolve(number)))
      })
    const all = [1, 2, 3, 4, 5].map(pass)
    expect(await all[4]).toBeUndefined()
    expect(ran).toEqual([1, 2])
    leave[1]!()
    expect(await all[1]).toBe(2)
    expect(ran).toEqual([1, 2, 3])
    leave[0]!()
    leave[2]!()
    expect(await Promise.all([all[0], all[2]])).toEqual([1, 3])
    leave[3]!()
    expect(await all[3]).toBe(4)
    const last = pass(6)
    leave[4]!()
    expect(await last).toBe(6)
  })

  test('somebody who fails makes room, too', async () => {
    const turnstile = new Turnstile(1, 0)
    await expect(turnstile.pass(() => Promise.reject(new Error('no memory')))).rejects.toThrow('no memory')
    expect(await turnstile.pass(async () => 'in')).toBe('in')
  })
})
