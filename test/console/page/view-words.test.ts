import { describe, expect, test } from 'vitest'
import type { IsoView } from '../../../services/console/schema/iso.ts'
import type { LeaseView } from '../../../services/console/schema/lease.ts'
import { checksumInWords, preparedInWords } from '../../../services/console/page/words/iso-words.ts'
import { chooseLeases, poolsOf } from '../../../services/console/page/words/lease-words.ts'
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

test('leases are found by any part, and by state', () => {
  const lease = (address: string, part: Partial<LeaseView> = {}): LeaseView => ({
    ...{ address, mac: 'bc:24:11:00:00:01', state: 'bound', boundAt: NOW, expiresAt: NOW },
    ...part,
  })
  const all = [lease('10.77.0.1', { name: 'node1' }), lease('10.77.0.2', { state: 'expired' }), lease('10.77.0.30')]
  const found = (text: string, state?: LeaseView['state']) =>
    chooseLeases(all, text, state).map(({ address }) => address)
  expect(found('')).toHaveLength(3)
  expect(found('NODE1 bc:24')).toEqual(['10.77.0.1'])
  expect(found('.30')).toEqual(['10.77.0.30'])
  expect(found('', 'expired')).toEqual(['10.77.0.2'])
  expect(found('node1', 'expired')).toEqual([])
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
