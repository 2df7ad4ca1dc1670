/** What it means that another server was seen, as a table. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { DhcpMessage } from '../../services/dhcp/message.ts'
import { type Expected, sightingOfChoice, sightingOfReply, troubleOf } from '../../services/dhcp/sighting.ts'
import type { Said } from './messages.ts'
import { bytesOf, textOf } from '../../services/dhcp/options.ts'
import { dhcp, ip, NODE1 } from './messages.ts'

const OURS = ip('10.77.0.1')
const OTHER = '10.77.0.2'
const SERVER: Expected = { mode: 'server', ours: OURS, others: [], relays: [ip('10.77.0.254')] }
const PROXY: Expected = { ...SERVER, mode: 'proxy' }

type Reply = Said & { yiaddr?: string; file?: string; from?: string }

function reply(type: 'offer' | 'ack' | 'nak', { yiaddr = '0.0.0.0', file = '', ...said }: Reply = {}): DhcpMessage {
  return { ...dhcp(type, { server: OTHER, ...said }), op: 'reply', yiaddr: ip(yiaddr), file }
}

function toldOf(message: DhcpMessage, expected: Expected, from = OTHER): string | undefined {
  const sighting = sightingOfReply(message, ip(from))
  const trouble = sighting && troubleOf(sighting, expected)
  return trouble && `${trouble.code} ${trouble.subject}: ${trouble.message}`
}

const OFFER: Reply = { yiaddr: '10.77.0.150' }
const PXE: Reply = { vendorClass: 'PXEClient' }

describe('where we give the addresses', () => {
  test.each<[string, 'offer' | 'ack' | 'nak', Reply, string]>([
    [
      'an offer',
      'offer',
      OFFER,
      `other-server ${OTHER}: the server ${OTHER} gives addresses: it offered 10.77.0.150 to ${NODE1}`,
    ],
    [
      'an acknowledgement',
      'ack',
      OFFER,
      `other-server ${OTHER}: the server ${OTHER} gives addresses: it acknowledged 10.77.0.150 to ${NODE1}`,
    ],
    ['a refusal', 'nak', {}, `other-server ${OTHER}: the server ${OTHER} gives addresses: it refused ${NODE1}`],
    [
      'an offer with a boot file',
      'offer',
      { ...OFFER, file: 'evil.efi' },
      `other-server ${OTHER}: the server ${OTHER} gives addresses: it offered 10.77.0.150 and evil.efi to ${NODE1}`,
    ],
    [
      'a proxyDHCP offer',
      'offer',
      { ...PXE, options: [[67, bytesOf('evil.efi')]] },
      `other-boot-server ${OTHER}: the server ${OTHER} tells machines what to boot: it offered evil.efi to ${NODE1}`,
    ],
    [
      'a proxyDHCP offer that sends firmware to port 4011',
      'offer',
      PXE,
      `other-boot-server ${OTHER}: the server ${OTHER} tells machines what to boot: it offered settings to ${NODE1}`,
    ],
    [
      'a boot file that is no text',
      'offer',
      { ...PXE, file: 'a\u001b[31m\r\nb' },
      `other-boot-server ${OTHER}: the server ${OTHER} tells machines what to boot: it offered a?[31m??b to ${NODE1}`,
    ],
    [
      'dnsmasq ends the boot file with a NUL',
      'offer',
      { ...PXE, options: [[67, bytesOf('evil.efi\0')]] },
      `other-boot-server ${OTHER}: the server ${OTHER} tells machines what to boot: it offered evil.efi to ${NODE1}`,
    ],
  ])('%s', (_, type, said, told) => {
    expect(toldOf(reply(type, said), SERVER)).toBe(told)
  })

  test('the address that it came from is told where it is another one', () => {
    expect(toldOf(reply('offer', OFFER), SERVER, '10.77.0.9')).toContain(`the server ${OTHER} (at 10.77.0.9) gives`)
  })

  test('somebody who says that it is us', () => {
    const forged = reply('offer', { ...OFFER, server: OURS })
    expect(toldOf(forged, SERVER)).toBe(
      `other-server ${OURS}: ${OTHER}, which says that it is ${OURS} as we are, gives addresses: it offered 10.77.0.150 to ${NODE1}`,
    )
  })

  test('our own reply that a relay agent of the site brought to this link', () => {
    const brought = (giaddr: string) => reply('offer', { ...OFFER, server: OURS, giaddr })
    expect(toldOf(brought('10.77.0.254'), SERVER, '10.77.0.254')).toBeUndefined()
    expect(toldOf(brought('10.77.0.253'), SERVER, '10.77.0.254')).toMatch(/^other-server 10\.77\.0\.1:/)
  })

  test('without a server identifier it is the one that sent it', () => {
    const silent = reply('offer', OFFER)
    expect(
      toldOf({ ...silent, options: new Map([...silent.options].filter(([code]) => code !== 54)) }, SERVER),
    ).toMatch(/^other-server 10\.77\.0\.2:/)
  })

  test('our own reply, heard back, and a server of the site are nothing', () => {
    expect(toldOf(reply('offer', { ...OFFER, server: OURS }), SERVER, OURS)).toBeUndefined()
    expect(toldOf(reply('offer', OFFER), { ...SERVER, others: [ip(OTHER)] })).toBeUndefined()
  })

  test('the choice of a machine', () => {
    const sighting = sightingOfChoice(dhcp('request', { server: OTHER, wants: '10.77.0.150' }))!
    expect(troubleOf(sighting, SERVER)).toMatchObject({
      code: 'other-server',
      subject: OTHER,
      message: `the server ${OTHER} gives addresses: ${NODE1} took its offer`,
      details: { seenBy: 'request', server: OTHER, machine: NODE1 },
    })
    expect(sightingOfChoice(dhcp('request'))).toBeUndefined()
    expect(sightingOfChoice(dhcp('release', { server: OTHER }))).toBeUndefined()
  })
})

describe('where somebody else gives them', () => {
  test.each<[string, Reply, Partial<Expected>, string | undefined]>([
    ['the other server is meant to be there', OFFER, {}, undefined],
    ['unless another one is named', OFFER, { others: [ip('10.77.0.3')] }, `other-server ${OTHER}`],
    ['the named one may say what to boot, too', { ...OFFER, file: 'x' }, { others: [ip(OTHER)] }, undefined],
    ['boot data from somebody else', PXE, {}, `other-boot-server ${OTHER}`],
    ['boot data from the server of the addresses', { ...OFFER, file: 'old.efi' }, {}, `other-boot-server ${OTHER}`],
  ])('%s', (_, said, more, told) => {
    expect(toldOf(reply('offer', said), { ...PROXY, ...more })?.split(':')[0]).toBe(told)
  })
})

test('what is no reply is no sighting', () => {
  expect(sightingOfReply(dhcp('discover'), ip(OTHER))).toBeUndefined()
  expect(sightingOfReply({ ...dhcp('discover'), op: 'reply' }, ip(OTHER))).toBeUndefined()
})

test('whatever a reply says, what is told of it is short, and nothing that a terminal would take for a command', () => {
  const anyOptions = fc.array(fc.tuple(fc.constantFrom(54, 56, 60, 66, 67), fc.uint8Array({ maxLength: 300 })), {
    maxLength: 5,
  })
  fc.assert(
    fc.property(
      fc.constantFrom('offer', 'ack', 'nak'),
      anyOptions,
      fc.uint8Array({ maxLength: 127 }),
      (type, options, file) => {
        const message = { ...reply(type, { options }), file: textOf(file) }
        const sighting = sightingOfReply(message, ip(OTHER))!
        for (const expected of [SERVER, PROXY]) {
          const told = JSON.stringify(troubleOf(sighting, expected) ?? {})
          expect(told).toMatch(/^[\x20-\x7e]*$/)
          expect(told.length).toBeLessThan(1000)
        }
      },
    ),
  )
})
