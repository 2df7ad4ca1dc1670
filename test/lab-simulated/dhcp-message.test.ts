import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Ipv4 } from '../../services/kit/ipv4.ts'
import type { Mac } from '../../services/kit/mac.ts'
import {
  addressesOption,
  decodeReply,
  encodeRequest,
  OPTION,
  searchList,
  textOption,
} from '../../services/lab/simulated/dhcp-message.ts'
import {
  machineIdentifier,
  speak,
  wantsBroadcast,
  type Chosen,
  type Identity,
  type Speaker,
} from '../../services/lab/simulated/dhcp-voice.ts'

const bios: Identity = {
  mac: '52:54:00:77:02:01' as Mac,
  uuid: '77000000-0000-4000-8000-000002000001',
  firmware: 'bios',
}
const biosIpxe: Identity = {
  mac: '52:54:00:77:09:03' as Mac,
  uuid: '77000000-0000-4000-8000-000009000003',
  firmware: 'bios',
}
const uefi: Identity = {
  mac: '52:54:00:77:09:01' as Mac,
  uuid: '77000000-0000-4000-8000-000009000001',
  firmware: 'uefi',
}
const chosen = (address: string): Chosen => ({ address: address as Ipv4, server: '10.77.0.1' as Ipv4 })

/** What stands between the fixed fields and the options in every message of a client: zeros, then the cookie. */
const between = (mac: string) => `${'00'.repeat(16)}${mac}${'00'.repeat(202)}63825363`

describe('messages equal those of the captured firmware, byte for byte', () => {
  test.each<[string, Speaker, Identity, Chosen | undefined, { xid: number; secs: number }, string]>([
    [
      'BIOS ROM, DISCOVER',
      'firmware',
      bios,
      undefined,
      { xid: 0xae731a16, secs: 4 },
      `01010600ae731a1600040000${between('525400770201')}350101390205c05d0200005e030102013c20505845436c69656e743a417263683a30303030303a554e44493a3030323030313718010306070c0f111a2a2b3c424377798081828384858687cb3d070152540077020161110000000077000000408000000002000001ff`,
    ],
    [
      'BIOS ROM, REQUEST',
      'firmware',
      bios,
      chosen('10.77.0.181'),
      { xid: 0xae731a16, secs: 18 },
      `01010600ae731a1600120000${between('525400770201')}350103390205c05d0200005e030102013c20505845436c69656e743a417263683a30303030303a554e44493a3030323030313718010306070c0f111a2a2b3c424377798081828384858687cb3d07015254007702016111000000007700000040800000000200000136040a4d000132040a4d00b5ff`,
    ],
    [
      'OVMF, DISCOVER',
      'firmware',
      uefi,
      undefined,
      { xid: 0x268777f5, secs: 0 },
      `01010600268777f500008000${between('525400770901')}350101390205c037230102030405060c0d0f111216171c28292a2b3233363a3b3c4243618081828384858687611100000000770000004080000000090000015e030103005d0200073c20505845436c69656e743a417263683a30303030373a554e44493a303033303030ff`,
    ],
    [
      'OVMF, REQUEST: it claims to take 65,280 bytes',
      'firmware',
      uefi,
      chosen('10.77.0.183'),
      { xid: 0x268777f5, secs: 0 },
      `01010600268777f500008000${between('525400770901')}35010336040a4d000132040a4d00b73902ff0037230102030405060c0d0f111216171c28292a2b3233363a3b3c4243618081828384858687611100000000770000004080000000090000015e030103005d0200073c20505845436c69656e743a417263683a30303030373a554e44493a303033303030ff`,
    ],
    [
      'iPXE under UEFI, DISCOVER',
      'ipxe',
      uefi,
      undefined,
      { xid: 0x7e6c2818, secs: 4 },
      `010106007e6c281800048000${between('525400770901')}350101390205c05d0200075e0301030a3c20505845436c69656e743a417263683a30303030373a554e44493a3030333031304d04695058453718010306070c0f111a2a2b3c4243778081828384858687afcbaf2ab105011af41000eb030100002601011701012701012401011301011401011101012901011501011201013d070152540077090161110000000077000000408000000009000001ff`,
    ],
    [
      'iPXE under BIOS, REQUEST',
      'ipxe',
      biosIpxe,
      chosen('10.77.0.185'),
      { xid: 0x2bf1c20b, secs: 18 },
      `010106002bf1c20b00128000${between('525400770903')}350103390205c05d0200005e030102013c20505845436c69656e743a417263683a30303030303a554e44493a3030323030314d04695058453718010306070c0f111a2a2b3c4243778081828384858687afcbaf36b105011af41000eb030100002601011701012701012201011301011401011101011901012901011001022101011501011801011201013d07015254007709036111000000007700000040800000000900000336040a4d000132040a4d00b9ff`,
    ],
  ])('%s', (_, speaker, who, pick, { xid, secs }, hex) => {
    const message = {
      xid,
      secs,
      broadcast: wantsBroadcast(speaker, who),
      mac: who.mac,
      options: speak(speaker, who, pick),
    }
    expect(Buffer.from(encodeRequest(message)).toString('hex')).toBe(hex)
  })
})

test('the installer asks for 250 and 251, calls itself proxmox and fills 300 bytes', () => {
  const bytes = encodeRequest({ xid: 1, secs: 0, broadcast: false, mac: uefi.mac, options: speak('installer', uefi) })
  expect(bytes).toHaveLength(300)
  expect(Buffer.from(bytes.subarray(240, 270)).toString('hex')).toBe(
    '3501010c0770726f786d6f78370f011c02030f06770c2c2f1a792afafbff',
  )
})

test('an installer that withholds 250 asks for neither', () => {
  const list = speak('installer', { ...uefi, withhold250: true }).find(([code]) => code === OPTION.requestList)![1]
  expect([...list]).toEqual([1, 28, 2, 3, 15, 6, 119, 12, 44, 47, 26, 121, 42])
})

test('the machine identifier swaps the first three fields', () => {
  const hex = Buffer.from(machineIdentifier('11223344-5566-7788-99aa-bbccddeeff00')).toString('hex')
  expect(hex).toBe('004433221166558877' + '99aabbccddeeff00')
})

/** A reply with these options, as hexadecimal text. */
function reply(options: string, fields: { op?: string; file?: string; sname?: string } = {}): Uint8Array {
  const file = (fields.file ?? '').padEnd(256, '0')
  const sname = (fields.sname ?? '').padEnd(128, '0')
  const fixed = `${fields.op ?? '02'}010600${'00000007'}${'00'.repeat(8)}0a4d010a0a4d000100000000bc2411000001${'00'.repeat(10)}${sname}${file}`
  return Buffer.from(`${fixed}63825363${options}`, 'hex')
}

describe('reading replies', () => {
  test('an offer', () => {
    const read = decodeReply(
      reply('350102 3604 0a4d0001 0608 0a4d0001 0a4d0002 0f08 6c61622e74657374 ff'.replaceAll(' ', ''), {
        file: '756e64696f6e6c79',
      }),
    )!
    expect([read.type, read.xid, read.yiaddr, read.siaddr, read.file]).toEqual([
      'offer',
      7,
      '10.77.1.10',
      '10.77.0.1',
      'undionly',
    ])
    expect(addressesOption(read, OPTION.dns)).toEqual(['10.77.0.1', '10.77.0.2'])
    expect(textOption(read, OPTION.domain)).toBe('lab.test')
  })

  test('pieces of one option are one value, also those in file and sname', () => {
    const read = decodeReply(
      reply('350105 340103 fa0161 ff'.replaceAll(' ', ''), { file: 'fa0162ff', sname: 'fa0163ff' }),
    )!
    expect(textOption(read, OPTION.answerUrl)).toBe('abc')
    expect(read.file).toBe('')
  })

  test.each([
    ['a request', reply('350102ff', { op: '01' })],
    ['no message type', reply('ff')],
    ['an option that runs past the end', reply('350102fa10')],
    ['a runt', reply('350102ff').subarray(0, 239)],
    ['a foreign cookie', reply('350102ff').map((octet, index) => (index === 236 ? 0 : octet))],
  ])('%s is nothing', (_, bytes) => {
    expect(decodeReply(bytes)).toBeUndefined()
  })

  test.each([
    ['one name', '036c6162047465737400', ['lab.test']],
    ['a compressed second name', '036c6162047465737400' + '0178c004', ['lab.test', 'x.test']],
    ['a pointer to itself ends the list', 'c000', []],
    ['a name without end', '036c61', []],
  ])('search list: %s', (_, hex, names) => {
    expect(searchList(Buffer.from(hex, 'hex'))).toEqual(names)
  })

  test('random bytes never make it throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), bytes => {
        decodeReply(bytes)
        decodeReply(Buffer.concat([reply('350102'), bytes]))
        searchList(bytes)
      }),
    )
  })
})
