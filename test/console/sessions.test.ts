import { beforeEach, describe, expect, test } from 'vitest'
import { LINK_MS, Links } from '../../services/console/links.ts'
import { Sessions, type SessionLimits } from '../../services/console/sessions.ts'
import { FakeClock } from '../fake/clock.ts'

const MINUTE = 60_000
const LIMITS: SessionLimits = { idleMs: 30 * MINUTE, longestMs: 120 * MINUTE, most: 4, mostOfOne: 2 }

let clock: FakeClock
let sessions: Sessions
let ended: string[]

beforeEach(() => {
  clock = new FakeClock()
  ended = []
  let count = 0
  sessions = new Sessions({
    clock,
    limits: LIMITS,
    random: () => `secret ${++count}`,
    onEnd: ({ name }, why) => ended.push(`${name}: ${why}`),
  })
})

const begin = (name: string) => sessions.begin({ name, role: 'operator', credential: 'hash' })

describe('sessions', () => {
  test('are found by their identifier alone', () => {
    const { id, session } = begin('anna')
    expect([id, session.csrf]).toEqual(['secret 1', 'secret 2'])
    expect(sessions.use('secret 1')).toBe(session)
    expect(sessions.use('secret 2')).toBeUndefined()
    expect(sessions.use('')).toBeUndefined()
  })

  test('end when nothing was asked for a while', () => {
    const { id, session } = begin('anna')
    clock.advance(30 * MINUTE - 1)
    expect(sessions.use(id)).toBe(session)
    clock.advance(30 * MINUTE - 1)
    expect(sessions.use(id)).toBe(session)
    clock.advance(30 * MINUTE)
    expect(sessions.use(id)).toBeUndefined()
    expect(ended).toEqual(['anna: session-over'])
  })

  test('end at their absolute limit, however busy', () => {
    const { id, session } = begin('anna')
    for (let minutes = 0; minutes < 119; minutes += 17) {
      expect(sessions.use(id)).toBe(session)
      clock.advance(17 * MINUTE)
    }
    clock.advance(MINUTE)
    expect(sessions.use(id)).toBeUndefined()
  })

  test('say when they end if nothing more is asked', () => {
    const { session } = begin('anna')
    expect(sessions.expiresAt(session) - clock.now()).toBe(30 * MINUTE)
    session.usedAt += 119 * MINUTE
    expect(sessions.expiresAt(session) - clock.now()).toBe(120 * MINUTE)
  })

  test('with something open are not idle, and it is cut at the end', () => {
    const { id, session } = begin('anna')
    const cut: string[] = []
    session.open.add(() => cut.push('stream'))
    for (let minutes = 0; minutes < 119; minutes += 1) {
      clock.advance(MINUTE)
      sessions.sweep()
    }
    expect([cut, sessions.use(id)]).toEqual([[], session])
    clock.advance(MINUTE)
    sessions.sweep()
    expect([cut, ended]).toEqual([['stream'], ['anna: session-over']])
  })

  test('of one person: the one that was idle longest makes room', () => {
    const [first, second] = [begin('anna'), begin('anna')]
    begin('ben')
    sessions.use(first.id)
    begin('anna')
    expect(ended).toEqual(['anna: session-crowded'])
    expect([sessions.use(first.id), sessions.use(second.id)]).toEqual([first.session, undefined])
  })

  test('of all: the one that was idle longest makes room', () => {
    for (const name of ['anna', 'ben', 'cleo', 'dora', 'emil']) begin(name)
    expect([sessions.size, ended]).toEqual([4, ['anna: session-crowded']])
  })

  test('are revoked by what they began with', () => {
    const [anna, ben] = [begin('anna'), begin('ben')]
    const cut: string[] = []
    anna.session.open.add(() => cut.push('anna'))
    sessions.revoke(({ name }) => name === 'anna')
    expect([sessions.use(anna.id), sessions.use(ben.id)]).toEqual([undefined, ben.session])
    expect([cut, ended]).toEqual([['anna'], ['anna: session-revoked']])
  })

  test('end when somebody signs out', () => {
    const { id, session } = begin('anna')
    sessions.signOut(session)
    expect([sessions.use(id), ended]).toEqual([undefined, ['anna: signed-out']])
  })
})

describe('links', () => {
  let links: Links
  beforeEach(() => {
    let count = 0
    links = new Links(clock, () => `link ${++count}`)
  })

  test('are good once', () => {
    expect(links.make('viewer', 'anna')).toEqual({ secret: 'link 1', expiresAt: clock.now() + LINK_MS })
    expect(links.take('link 1')).toMatchObject({ role: 'viewer', by: 'anna' })
    expect(links.take('link 1')).toBeUndefined()
  })

  test('are good for fifteen minutes, also where the clock is set meanwhile', () => {
    links.make('operator', 'anna')
    clock.set(clock.now() - 86_400_000)
    expect(links.take('link 1')).toBeDefined()
    links.make('operator', 'anna')
    clock.advance(15 * MINUTE)
    expect(links.take('link 2')).toBeUndefined()
  })

  test('are good for fifteen minutes', () => {
    links.make('operator', 'anna')
    links.make('operator', 'anna')
    clock.advance(15 * MINUTE - 1)
    expect(links.take('link 1')).toBeDefined()
    clock.advance(1)
    expect(links.take('link 2')).toBeUndefined()
  })

  test('nobody guesses one', () => {
    links.make('operator', 'anna')
    expect([links.take(''), links.take('link 2')]).toEqual([undefined, undefined])
  })

  test('sixteen wait at most; the oldest makes room', () => {
    for (let count = 0; count < 17; count += 1) links.make('operator', 'anna')
    expect([links.take('link 1'), links.take('link 2')?.role]).toEqual([undefined, 'operator'])
  })
})
