import { describe, expect, test } from 'vitest'
import { authorise, type Authorisation, type Claim } from '../../services/answer/authorise.ts'
import type { SystemInformation } from '../../services/answer/system-information.ts'
import type { Mac } from '../../services/kit/mac.ts'
import type { AttemptId, MachineId } from '../../services/machine/event.ts'
import { type Machine, type MachineState, newMachine } from '../../services/machine/lifecycle.ts'
import type { Listing } from '../../services/machine/listing.ts'

const NIC1 = 'bc:24:11:ab:12:21' as Mac
const NIC2 = 'bc:24:11:ab:12:22' as Mac
const OTHER_NIC = 'bc:24:11:ab:12:99' as Mac
const UUID = '4c4c4544-004b-3210-8051-b7c04f583933'
const OTHER_UUID = '4c4c4544-004b-3210-8051-b7c04f583934'

const attempt = { id: 'a1a1a1a1' as AttemptId, profile: 'pve', startedAt: 0, resumes: 0 }

function machine(partial: Partial<Machine> = {}, mac: Mac = NIC1): Machine {
  return { ...newMachine(mac as MachineId, 0), state: 'booting', attempt, ...partial }
}

function posted(partial: Partial<SystemInformation> = {}): SystemInformation {
  return { product: 'pve', release: '9.2', isorelease: '1', macs: [NIC1, NIC2], links: [], dmi: {}, ...partial }
}

function claim(partial: Partial<Claim> = {}): Claim {
  return { information: posted(), urlToken: 'none', bearer: 'none', holder: NIC1, weGiveAddresses: true, ...partial }
}

const unlisted: Listing = { from: 'nothing', answers: [], approve: false, options: [] }
const listed = (partial: Partial<Listing>): Listing => ({ ...unlisted, from: 'machine', name: 'node1', ...partial })

const known = machine()
const other = machine({}, OTHER_NIC)

function wordFor(decision: Authorisation): string {
  return decision.ok
    ? decision.withToken
      ? 'with a token'
      : 'without a token'
    : `${decision.status} ${decision.reason}`
}

describe('tokens', () => {
  test.each<[string, Partial<Claim>, string]>([
    ['option 250 brought the URL', { urlToken: known }, 'with a token'],
    ['the mode file brought the bearer token', { bearer: known }, 'with a token'],
    ['installer 9.2 brings both', { urlToken: known, bearer: known }, 'with a token'],
    ['a URL baked into the ISO has none: address, MAC and state agree', {}, 'without a token'],
    ['the URL is of an older attempt, or guessed', { urlToken: 'unknown' }, '403 unknown-token'],
    ['the bearer token is guessed', { bearer: 'unknown' }, '403 unknown-token'],
    [
      'a right URL does not make up for a wrong bearer token',
      { urlToken: known, bearer: 'unknown' },
      '403 unknown-token',
    ],
    [
      'a right bearer token does not make up for a wrong URL',
      { urlToken: 'unknown', bearer: known },
      '403 unknown-token',
    ],
    ['the URL is another machine’s', { urlToken: other }, '403 unknown-token'],
    ['the bearer token is another machine’s', { urlToken: known, bearer: other }, '403 unknown-token'],
    [
      'the ISO was prepared with a token of the site: it says nothing of the machine',
      { bearer: 'site' },
      'without a token',
    ],
    ['and the URL is another machine’s', { bearer: 'site', urlToken: other }, '403 unknown-token'],
    ['and another machine holds the address', { bearer: 'site', holder: OTHER_NIC }, '403 address-mismatch'],
    [
      'and nobody can see who stands at the address',
      { bearer: 'site', holder: undefined, weGiveAddresses: false },
      '403 token-missing',
    ],
  ])('%s', (_, partial, word) => {
    expect(wordFor(authorise(claim(partial), known, unlisted))).toBe(word)
  })

  test('a wrong token of nobody we know is still a wrong token', () => {
    expect(wordFor(authorise(claim({ urlToken: 'unknown' }), undefined, undefined))).toBe('403 unknown-token')
  })
})

describe('state', () => {
  test.each<[MachineState, Partial<Machine>, string]>([
    ['held', { state: 'held' }, '403 not-approved'],
    ['approved', { state: 'approved' }, 'with a token'],
    ['booting', { state: 'booting' }, 'with a token'],
    ['installing', { state: 'installing' }, 'with a token'],
    ['stalled', { state: 'stalled' }, 'with a token'],
    ['installed', { state: 'installed' }, '409 already-installed'],
    ['failed', { state: 'failed' }, '409 not-booting'],
    ['blocked', { state: 'blocked' }, '403 blocked'],
  ])('%s', (_, partial, word) => {
    const asking = machine(partial)
    expect(wordFor(authorise(claim({ urlToken: asking }), asking, unlisted))).toBe(word)
  })

  test.each<MachineState>(['approved', 'booting', 'installing', 'stalled'])(
    '%s without an attempt is given nothing',
    state => {
      const { attempt: _none, ...without } = machine({ state })
      expect(wordFor(authorise(claim(), without, unlisted))).toBe('409 not-booting')
    },
  )

  test('nobody we know', () => {
    expect(wordFor(authorise(claim(), undefined, undefined))).toBe('404 unknown-machine')
  })
})

describe('address and MAC', () => {
  const two = machine({ macs: [NIC1, NIC2] })
  test.each<[string, Machine, Partial<Claim>, string]>([
    ['nobody holds the address it comes from', known, { holder: undefined }, '403 address-mismatch'],
    ['another machine holds the address it comes from', known, { holder: OTHER_NIC }, '403 address-mismatch'],
    ['it stands at the lease of its second NIC', two, { holder: NIC2 }, 'without a token'],
    ['it does not post the NIC that booted', known, { information: posted({ macs: [NIC2] }) }, '403 mac-mismatch'],
    ['it posts no NIC at all', known, { information: posted({ macs: [] }) }, '403 mac-mismatch'],
  ])('%s', (_, asking, partial, word) => {
    expect(wordFor(authorise(claim(partial), asking, unlisted))).toBe(word)
  })

  test.each<[string, Partial<Claim>, string]>([
    ['the neighbour table knows who stands there', {}, 'without a token'],
    ['another machine stands there', { holder: OTHER_NIC }, '403 address-mismatch'],
    ['and has the token of this one', { holder: OTHER_NIC, urlToken: known }, '403 address-mismatch'],
    ['its other NIC stands there, with the URL of the mode file', { holder: NIC2, urlToken: known }, 'with a token'],
    ['its other NIC stands there, with nothing', { holder: NIC2 }, '403 address-mismatch'],
    ['it is behind a router, with the URL of the mode file', { holder: undefined, urlToken: known }, 'with a token'],
    ['it is behind a router, with the bearer token', { holder: undefined, bearer: known }, 'with a token'],
    ['it is behind a router, with nothing', { holder: undefined }, '403 token-missing'],
    [
      'it is behind a router and posts a foreign MAC',
      { holder: undefined, bearer: known, information: posted({ macs: [OTHER_NIC] }) },
      '403 mac-mismatch',
    ],
  ])('another server gives the addresses: %s', (_, partial, word) => {
    expect(wordFor(authorise(claim({ weGiveAddresses: false, ...partial }), known, unlisted))).toBe(word)
  })

  test.each<[string, Partial<Claim>, string]>([
    ['asks through its other NIC with the bearer token', { holder: NIC2, bearer: known }, 'with a token'],
    ['and with the URL of option 250, too', { holder: NIC2, bearer: known, urlToken: known }, 'with a token'],
    ['the token of option 250 alone was broadcast', { holder: NIC2, urlToken: known }, '403 address-mismatch'],
    ['no token at all', { holder: NIC2 }, '403 address-mismatch'],
    ['a bearer token, but a NIC that was not posted', { holder: OTHER_NIC, bearer: known }, '403 address-mismatch'],
  ])('a machine with two NICs on the VLAN: %s', (_, partial, word) => {
    expect(wordFor(authorise(claim(partial), known, unlisted))).toBe(word)
  })

  test('a right token does not make up for a wrong address', () => {
    expect(wordFor(authorise(claim({ urlToken: known, bearer: known, holder: OTHER_NIC }), known, unlisted))).toBe(
      '403 address-mismatch',
    )
  })
})

describe('UUID and serial number', () => {
  test.each<[string, Partial<Machine>, Listing, Partial<SystemInformation>, string]>([
    [
      'what it said at boot it says again',
      { uuid: UUID, serial: '7K2QX93' },
      unlisted,
      { uuid: UUID, serial: '7K2QX93' },
      'without a token',
    ],
    [
      'installers write the UUID in capitals',
      { uuid: UUID },
      unlisted,
      { uuid: UUID.toUpperCase() },
      'without a token',
    ],
    [
      'a person wrote the serial in lower case',
      {},
      listed({ serial: '7k2qx93' }),
      { serial: '7K2QX93' },
      'without a token',
    ],
    ['a board without SMBIOS says nothing', { uuid: UUID, serial: '7K2QX93' }, unlisted, {}, 'without a token'],
    ['firmware said nothing, the installer does', {}, unlisted, { uuid: UUID, serial: '7K2QX93' }, 'without a token'],
    ['another UUID than at boot', { uuid: UUID }, unlisted, { uuid: OTHER_UUID }, '403 uuid-mismatch'],
    ['another UUID than the site expects', {}, listed({ uuid: UUID }), { uuid: OTHER_UUID }, '403 uuid-mismatch'],
    ['the site expects a UUID, none is posted', {}, listed({ uuid: UUID }), {}, '403 uuid-mismatch'],
    [
      'the site’s UUID beats the one at boot',
      { uuid: OTHER_UUID },
      listed({ uuid: UUID }),
      { uuid: UUID },
      'without a token',
    ],
    ['another serial than at boot', { serial: '7K2QX93' }, unlisted, { serial: '7K2QX94' }, '403 serial-mismatch'],
    [
      'another serial than the site expects',
      {},
      listed({ serial: '7K2QX93' }),
      { serial: '7K2QX94' },
      '403 serial-mismatch',
    ],
    ['the site expects a serial, none is posted', {}, listed({ serial: '7K2QX93' }), {}, '403 serial-mismatch'],
  ])('%s', (_, partial, listing, information, word) => {
    expect(wordFor(authorise(claim({ information: posted(information) }), machine(partial), listing))).toBe(word)
  })
})

test('the machine that is refused is named, so that its timeline tells it', () => {
  const held = machine({ state: 'held' })
  expect(authorise(claim(), held, unlisted)).toMatchObject({ ok: false, machine: held })
})

test('every refusal is one line that says what to do', () => {
  const refusals: Authorisation[] = [
    authorise(claim({ urlToken: 'unknown' }), known, unlisted),
    authorise(claim(), undefined, undefined),
    ...(['held', 'installed', 'failed', 'blocked'] as const).map(state =>
      authorise(claim(), machine({ state }), unlisted),
    ),
    authorise(claim({ holder: OTHER_NIC }), known, unlisted),
    authorise(claim({ holder: undefined, weGiveAddresses: false }), known, unlisted),
    authorise(claim({ information: posted({ macs: [] }) }), known, unlisted),
    authorise(claim(), known, listed({ uuid: UUID })),
    authorise(claim(), known, listed({ serial: 'A1' })),
  ]
  const texts = refusals.map(refusal => (refusal.ok ? 'accepted' : refusal.message))
  expect(new Set(texts).size).toBe(refusals.length)
  for (const text of texts) expect(text).toMatch(/^[^\n]+(; |, )[^\n]*(boot|power-cycle|approve|reinstall|see)[^\n]*$/)
})

test.each<[string, MachineState, Listing, string]>([
  [
    'a listed machine that waits for approval',
    'held',
    listed({}),
    'node1 is not approved; run `rackrise machine approve node1`, then power-cycle it',
  ],
  [
    'one that nobody listed',
    'held',
    unlisted,
    'bc:24:11:ab:12:21 is not approved; run `rackrise machine approve bc:24:11:ab:12:21`, then power-cycle it',
  ],
  [
    'one that is installed',
    'installed',
    listed({}),
    'node1 is installed; `rackrise machine reinstall node1` starts another installation',
  ],
  ['one that is blocked', 'blocked', listed({}), 'node1 is blocked; `rackrise machine approve node1` is the way out'],
])('%s reads the command to type on its own console', (_, state, listing, message) => {
  expect(authorise(claim(), machine({ state }), listing)).toMatchObject({ ok: false, message })
})
