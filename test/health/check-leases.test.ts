import { expect, test } from 'vitest'
import { checkLeases, type KeptLease } from '../../services/health/check-leases.ts'
import { ip } from '../dhcp/messages.ts'
import { siteOf } from '../machine/rig.ts'
import { WITH_PROFILE } from '../site/sites.ts'

const lease = (address: string, state: KeptLease['state'] = 'bound'): KeptLease => ({
  address: ip(address),
  state,
  expiresAt: 0,
})

test.each<[string, KeptLease[], string[]]>([
  ['I07 all inside: nothing to tell', [lease('10.77.0.104')], []],
  [
    'I07 one is outside',
    [lease('10.77.0.104'), lease('10.78.0.5')],
    ['no subnet of the site holds the lease of 10.78.0.5: kept, and served no longer'],
  ],
  [
    'I07 several are',
    [lease('10.78.0.5'), lease('10.78.0.6')],
    ['no subnet of the site holds 2 leases of 10.78.0.5, 10.78.0.6: kept, and served no longer'],
  ],
  ['I07 what was given back is nothing to tell', [lease('10.78.0.5', 'released')], []],
])('%s', (_, leases, expected) => {
  expect(checkLeases(siteOf(), () => leases).map(({ message }) => message)).toEqual(expected)
})

test('where another server gives the addresses, and where nothing can be read, nothing is said', () => {
  const proxy = siteOf('', `${WITH_PROFILE}[dhcp]\nmode = "proxy"\n`)
  expect(checkLeases(proxy, () => [lease('10.78.0.5')])).toEqual([])
  const unreadable = (): never => {
    throw new Error('no right')
  }
  expect(checkLeases(siteOf(), unreadable)).toEqual([])
})
