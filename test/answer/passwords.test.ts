import { setImmediate as nextTurn } from 'node:timers/promises'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Passwords, readablePassword } from '../../services/answer/passwords.ts'
import { seal, unseal } from '../../services/answer/seal.ts'
import type { AttemptId } from '../../services/machine/event.ts'
import type { Machine } from '../../services/machine/lifecycle.ts'
import type { PasswordRecord, PasswordStore } from '../../services/store/types.ts'
import { FakeClock } from '../fake/clock.ts'
import { KEY, NODE1 } from '../machine/rig.ts'

const ID = NODE1 as Machine['id']
const [FIRST, SECOND] = ['3f9c21aa', '77777777'] as [AttemptId, AttemptId]

class MemoryPasswords implements PasswordStore {
  readonly records = new Map<string, PasswordRecord>()
  async put(record: PasswordRecord): Promise<void> {
    await Promise.resolve()
    this.records.set(record.machine, record)
  }
  async get(machine: string): Promise<PasswordRecord | undefined> {
    return this.records.get(machine)
  }
}

function rig(key: Uint8Array = KEY, store = new MemoryPasswords()) {
  return { store, passwords: new Passwords({ store, key, clock: new FakeClock() }) }
}

test('a password is 25 letters and digits that nobody takes for others: 125 bits', () => {
  expect(readablePassword(Uint8Array.from({ length: 25 }, (_, at) => at))).toBe('01234-56789-abcde-fghjk-mnpqr')
  expect(readablePassword(new Uint8Array(25).fill(255))).toBe('zzzzz-zzzzz-zzzzz-zzzzz-zzzzz')
})

test('an attempt has one password, however often and at once it asks, and after a restart', async () => {
  const { store, passwords } = rig()
  const hashes = await Promise.all([1, 2, 3].map(() => passwords.hashFor(ID, FIRST)))
  expect(new Set([...hashes, await rig(KEY, store).passwords.hashFor(ID, FIRST)]).size).toBe(1)
  expect(hashes[0]).toMatch(/^\$6\$[./0-9A-Za-z]{16}\$[./0-9A-Za-z]{86}$/)
})

test('it is shown once; the hash stays for a machine that asks again', async () => {
  const { store, passwords } = rig()
  const hash = await passwords.hashFor(ID, FIRST)
  const shown = await passwords.take(ID)
  expect(shown).toEqual({ attempt: FIRST, password: expect.stringMatching(/^[0-9a-z]{5}(-[0-9a-z]{5}){4}$/) as string })
  expect(await passwords.take(ID)).toMatchObject({ code: 'password-shown' })
  expect([...store.records.values()]).toEqual([{ machine: ID, attempt: FIRST, hash, at: expect.any(Number) as number }])
  expect(await passwords.hashFor(ID, FIRST)).toBe(hash)
})

test('two who want to see it at once: one does', async () => {
  const { passwords } = rig()
  await passwords.hashFor(ID, FIRST)
  const [one, two] = await Promise.all([passwords.take(ID), passwords.take(ID)])
  expect(one).toMatchObject({ attempt: FIRST })
  expect(two).toMatchObject({ code: 'password-shown' })
})

test.each<[string, (passwords: Passwords) => Promise<unknown>]>([
  ['is seen', passwords => passwords.take(ID)],
  ['is of no use any more', passwords => passwords.forget(ID)],
])('while the one before %s, another attempt makes its own: it is kept', async (_, meanwhile) => {
  const { store, passwords } = rig()
  await passwords.hashFor(ID, FIRST)
  const put = store.put.bind(store)
  store.put = async record => {
    // A disk that is slow with it: whoever does not wait for it is done by then.
    if (!record.sealed) for (let turn = 0; turn < 5000; turn++) await nextTurn()
    return put(record)
  }
  const [, hash] = await Promise.all([meanwhile(passwords), passwords.hashFor(ID, SECOND)])
  expect(await passwords.hashFor(ID, SECOND)).toBe(hash)
})

test('what could not be kept holds nobody up', async () => {
  const { store, passwords } = rig()
  const put = store.put.bind(store)
  store.put = () => Promise.reject(new Error('disk full'))
  await expect(passwords.hashFor(ID, FIRST)).rejects.toThrow('disk full')
  store.put = put
  expect(await passwords.hashFor(ID, FIRST)).toBe(await passwords.hashFor(ID, FIRST))
})

test('what is kept is of use to nobody without the key', async () => {
  const { store, passwords } = rig()
  await passwords.hashFor(ID, FIRST)
  const kept = JSON.stringify([...store.records.values()])
  expect(await rig(new Uint8Array(32).fill(8), store).passwords.take(ID)).toMatchObject({ code: 'password-unreadable' })
  const shown = await passwords.take(ID)
  expect('password' in shown && kept.includes(shown.password)).toBe(false)
})

test('another attempt has another password, and the one before is gone', async () => {
  const { passwords } = rig()
  const first = await passwords.hashFor(ID, FIRST)
  expect(await passwords.hashFor(ID, SECOND)).not.toBe(first)
  expect(await passwords.take(ID)).toMatchObject({ attempt: SECOND })
  expect(await passwords.take(NODE1.replace('21', '22') as Machine['id'])).toMatchObject({ code: 'no-password' })
})

test('an installation that brings its own password ends the random one', async () => {
  const { passwords } = rig()
  await passwords.hashFor(ID, FIRST)
  await passwords.forget(ID)
  expect(await passwords.take(ID)).toMatchObject({ code: 'password-shown' })
})

test('property: only what was sealed, for what it was sealed, can be unsealed', () => {
  const nonce = fc.uint8Array({ minLength: 12, maxLength: 12 })
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.string(), nonce, fc.nat(), (text, purpose, random, at) => {
      const sealed = seal(KEY, text, purpose, random)
      expect(unseal(KEY, sealed, purpose)).toBe(text)
      expect(unseal(KEY, sealed, `${purpose}x`)).toBeUndefined()
      const bytes = Buffer.from(sealed, 'base64url')
      bytes[at % bytes.length]! ^= 1
      expect(unseal(KEY, bytes.toString('base64url'), purpose)).toBeUndefined()
    }),
  )
})

test.each(['', 'AAAA', '!', 'A'.repeat(100)])('what is no seal: %s', text => {
  expect(unseal(KEY, text, 'x')).toBeUndefined()
})
