import { describe, expect, test } from 'vitest'
import type { IsoView } from '../../../services/console/schema/iso.ts'
import type { LeaseView } from '../../../services/console/schema/lease.ts'
import { checksumInWords, preparedInWords } from '../../../services/console/page/words/iso-words.ts'
import { countLeases, leasesPath, poolsOf } from '../../../services/console/page/words/lease-words.ts'
import { NOW } from './machines.ts'

describe('the checksum of an ISO', () => {
  const found: NonNullable<IsoView['checksum']> = {
    ...{ outcome: 'good', sha256: 'ab'.repeat(32), lists: ['SHA256SUMS'], signature: 'good', at: NOW },
  }
  test.each([
    ['nobody looked', undefined, 'info', 'not verified'],
    ['as published', found, 'ok', 'good'],
    ['the list is not signed', { ...found, signature: 'none' as const }, 'warning', 'good'],
    ['somebody else wrote the list', { ...found, signature: 'bad' as const }, 'error', 'in doubt'],
    ['no list names it', { ...found, outcome: 'unlisted' as const }, 'warning', 'unlisted'],
    ['another file', { ...found, outcome: 'failed' as const }, 'error', 'wrong'],
  ])('%s', (_, checksum, severity, state) => expect(checksumInWords(checksum)).toMatchObject({ severity, state }))

  test('says which list, and whose signature that has', () => {
    const whose = { ...found, why: 'signed by Proxmox Trixie Release Key <proxmox-release@proxmox.com>' }
    expect([found, whose, { ...found, signature: 'none' as const }].map(one => checksumInWords(one).why)).toEqual([
      'as SHA256SUMS says; the list is signed by Proxmox',
      'as SHA256SUMS says; the list is signed by Proxmox Trixie Release Key <proxmox-release@proxmox.com>',
      'as SHA256SUMS says; the list is not signed',
    ])
  })
})

test('what somebody prepared says how, and never a token', () => {
  const prepared = {
    mode: 'http',
    url: 'https://10.77.0.1/answer',
    token: true,
    answer: true,
    firstBoot: true,
  } as const
  expect(preparedInWords(prepared)).toBe(
    'prepared: mode http, asks https://10.77.0.1/answer, with an answer file and a first-boot script',
  )
  expect(preparedInWords(undefined)).toBeUndefined()
})

test('leases are asked for a page at a time, by what was typed and by state', () => {
  expect([leasesPath('', undefined), leasesPath(' node1 ', 'bound'), leasesPath('a&b=c', undefined)]).toEqual([
    '/api/v1/leases?limit=200',
    '/api/v1/leases?state=bound&search=node1&limit=200',
    '/api/v1/leases?search=a%26b%3Dc&limit=200',
  ])
})

test('leases are counted by state', () => {
  const lease = (state: LeaseView['state']): LeaseView => ({
    ...{ address: '10.77.0.1', mac: 'bc:24:11:00:00:01', state, boundAt: NOW, expiresAt: NOW },
  })
  expect(countLeases([lease('bound'), lease('bound'), lease('expired')])).toEqual({
    ...{ all: 3, bound: 2, reserved: 0, quarantine: 0, expired: 1, released: 0 },
  })
})

test('pools are counted by subnet', () => {
  const value = (subnet: string, state: string, count: number) => ({ labels: { subnet, state }, value: count })
  const values = [
    ...[value('10.77.0.0/24', 'taken', 94), value('10.77.0.0/24', 'free', 6)],
    ...[value('10.78.0.0/24', 'taken', 0), value('10.78.0.0/24', 'free', 0)],
  ]
  expect(poolsOf([{ name: 'rackrise_dhcp_pool_addresses', values }])).toEqual([
    { subnet: '10.77.0.0/24', taken: 94, size: 100 },
  ])
  expect(poolsOf([])).toEqual([])
})
