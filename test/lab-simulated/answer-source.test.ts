import { describe, expect, test } from 'vitest'
import { UNSPECIFIED } from '../../services/kit/ipv4.ts'
import { readLeaseText, readMode, searchLine } from '../../services/lab/simulated/answer-source.ts'
import { readAnswer } from '../../services/lab/simulated/answer-file.ts'
import { readBootReply } from '../../services/lab/simulated/boot-reply.ts'
import { OPTION, type Reply } from '../../services/lab/simulated/dhcp-message.ts'
import { objectionToArgs, readFingerprint } from '../../services/lab/simulated/installer.ts'
import { readRelease } from '../../services/lab/simulated/reports.ts'

describe('option 250 through the lease file', () => {
  test.each([
    ['an address survives', 'https://10.77.0.1/answer/abc-_DEF', 'https://10.77.0.1/answer/abc-_DEF'],
    ['a blank leaves the last word without its first letter', 'https://10.77.0.1/a b?c', '?c'],
    ['an ampersand gets a backslash', 'http://h/?a=1&b=2', 'http://h/?a=1\\&b=2'],
    ['a quote too', `http://h/'"$\`|`, `http://h/\\'\\"\\$\\\`\\|`],
    ['a trailing NUL stays as an octal number', 'http://h/\0', 'http://h/\\000'],
    ['nothing is an empty address', '', ''],
  ])('%s', (_, sent, read) => {
    expect(readLeaseText(Buffer.from(sent, 'latin1'))).toBe(read)
  })
})

function lease(options: Record<number, string>, fields: Partial<Reply> = {}): Reply {
  const entries = Object.entries(options).map(([code, hex]): [number, Uint8Array] => [
    Number(code),
    Buffer.from(hex, 'hex'),
  ])
  return {
    xid: 1,
    type: 'ack',
    yiaddr: UNSPECIFIED,
    siaddr: UNSPECIFIED,
    file: '',
    chaddr: new Uint8Array(6),
    options: new Map(entries),
    ...fields,
  }
}

const LAB_TEST = '6c61622e74657374'
const LAB_TEST_NAME = '036c6162047465737400'

describe('the search line', () => {
  test.each([
    ['option 15 alone', { [OPTION.domain]: LAB_TEST }, 'lab.test'],
    ['119 with the same name', { [OPTION.domain]: LAB_TEST, [OPTION.domainSearch]: LAB_TEST_NAME }, 'lab.test'],
    ['119 alone', { [OPTION.domainSearch]: LAB_TEST_NAME }, 'lab.test'],
    ['119 with another name makes two', { [OPTION.domain]: '62', [OPTION.domainSearch]: LAB_TEST_NAME }, 'b lab.test'],
    ['neither', {}, ''],
  ])('%s', (_, options, line) => {
    expect(searchLine(lease(options))).toBe(line)
  })
})

describe('the mode file', () => {
  test.each([
    [
      'with all of it',
      'mode = "http"\npartition_label = "proxmox-ais"\n[http]\nurl = "u"\ncert_fingerprint = "f"\ntoken = "t"',
      { ok: true, mode: { url: 'u', fingerprint: 'f', token: 't' } },
    ],
    ['unknown keys of http are fine', 'mode = "http"\n[http]\nx = 1', { ok: true, mode: {} }],
    [
      'unknown keys at the top are not',
      'mode = "http"\nx = 1',
      { ok: false, reason: 'auto-installer-mode.toml: unknown field x' },
    ],
    [
      'another mode asks nobody',
      'mode = "iso"',
      { ok: false, reason: 'auto-installer-mode.toml: mode is iso, so no server is asked' },
    ],
    ['broken TOML', 'mode =', { ok: false, reason: expect.stringMatching(/^auto-installer-mode.toml: /) }],
  ])('%s', (_, text, read) => {
    expect(readMode(Buffer.from(text))).toEqual(read)
  })

  test('a stock ISO has none', () => {
    expect(readMode(undefined)).toMatchObject({
      ok: false,
      reason: expect.stringContaining('a stock ISO opens a shell'),
    })
  })
})

test.each([
  ['colons', 'AB:CD', { ok: true, fingerprint: 'abcd' }],
  ['plain', 'abcd', { ok: true, fingerprint: 'abcd' }],
  ['none', undefined, { ok: true }],
  ['a prefix is no hexadecimal', 'SHA256:ab', { ok: false, reason: 'fingerprint SHA256:ab is not hexadecimal' }],
])('fingerprint with %s', (_, text, read) => {
  expect(readFingerprint(text)).toEqual(read)
})

test.each([
  ['the automated word', 'quiet proxmox-start-auto-installer', undefined],
  ['the old word', 'proxauto', undefined],
  ['neither', 'quiet', 'the kernel command line does not start the automated installer'],
  [
    'the text installer wins',
    'proxmox-start-auto-installer proxmox-tui-mode',
    'the kernel command line starts the text installer, which waits for a person',
  ],
])('kernel arguments with %s', (_, args, objection) => {
  expect(objectionToArgs(args)).toBe(objection)
})

const GLOBAL =
  '[global]\nkeyboard="de"\ncountry="de"\nfqdn="a.b.test"\nmailto="a@b.c"\ntimezone="UTC"\nroot_password_hashed="x"\n'
const NETWORK = '[network]\nsource="from-dhcp"\n'
const DISKS = '[disk-setup]\nfilesystem="ext4"\ndisk-list=["vda"]\n'
const MINIMAL = { fqdn: 'a.b.test', rebootMode: 'reboot', filesystem: 'ext4' }

describe('the answer', () => {
  test('a small one, old spelling included', () => {
    expect(readAnswer(GLOBAL + NETWORK + DISKS, 'text/plain', {})).toEqual({ ok: true, answer: MINIMAL })
  })

  test('webhook and first-boot script', () => {
    const more =
      '[post-installation-webhook]\nurl="u"\ncert-fingerprint="f"\nauth-token="t"\n[first-boot]\nsource="from-url"\nurl="v"\n'
    expect(readAnswer(GLOBAL + NETWORK + DISKS + more, '', {})).toEqual({
      ok: true,
      answer: { ...MINIMAL, webhook: { url: 'u', fingerprint: 'f', token: 't' }, firstBoot: { url: 'v' } },
    })
  })

  test('JSON is read when it calls itself so', () => {
    const json = {
      global: {
        keyboard: 'de',
        country: 'de',
        fqdn: { source: 'from-dhcp' },
        mailto: 'a@b',
        timezone: 'UTC',
        'root-password': 'x',
      },
      network: { source: 'from-dhcp' },
      'disk-setup': { filesystem: 'zfs', filter: {} },
    }
    expect(readAnswer(JSON.stringify(json), 'application/json', { hostName: 'node1', domain: 'lab.test' })).toEqual({
      ok: true,
      answer: { fqdn: 'node1.lab.test', rebootMode: 'reboot', filesystem: 'zfs' },
    })
    expect(readAnswer(JSON.stringify(json), 'text/plain', {})).toMatchObject({ ok: false })
  })

  test.each([
    ['no network', GLOBAL + DISKS, 'answer file: missing table [network]'],
    ['no disks', GLOBAL + NETWORK, 'answer file: missing table [disk-setup]'],
    ['no global', NETWORK + DISKS, 'answer file: missing table [global]'],
    [
      'two passwords',
      `${GLOBAL}root-password="y"\n${NETWORK}${DISKS}`,
      'answer file: [global] needs exactly one of root-password and root-password-hashed',
    ],
    ['an unknown table', `${GLOBAL}${NETWORK}${DISKS}[x]\n`, 'answer file: unknown field x'],
    [
      'a source that is missing since 9.2',
      `${GLOBAL}[network]\n${DISKS}`,
      'answer file: [network] has no valid source',
    ],
    [
      'no name from DHCP',
      (GLOBAL + NETWORK + DISKS).replace('"a.b.test"', '{ source = "from-dhcp" }'),
      'answer file: no FQDN, neither in it nor from DHCP',
    ],
  ])('%s is refused', (_, text, reason) => {
    expect(readAnswer(text, '', {})).toEqual({ ok: false, reason })
  })
})

describe('what DHCP offers to boot', () => {
  const PXE = '505845436c69656e74'
  test.each<[string, 'firmware' | 'ipxe', Reply, object]>([
    [
      'file and next-server',
      'firmware',
      lease({ 60: PXE }, { file: 'l.efi', siaddr: '10.77.0.1' as Reply['siaddr'] }),
      { ok: true, server: '10.77.0.1', file: 'l.efi' },
    ],
    [
      'options 66 and 67 with a NUL',
      'firmware',
      lease({ 60: PXE, 66: '31302e37372e302e3100', 67: '6c2e65666900' }),
      { ok: true, server: '10.77.0.1', file: 'l.efi' },
    ],
    ['nothing', 'firmware', lease({}), { ok: false, nothing: true }],
    [
      'two names',
      'firmware',
      lease({ 60: PXE, 67: '61' }, { file: 'b' }),
      { ok: false, nothing: false, reason: 'DHCP (firmware): option 67 says a, the file field b' },
    ],
    ['no PXEClient', 'firmware', lease({}, { file: 'a' }), { ok: false, nothing: false }],
    ['an address for HTTP', 'firmware', lease({ 60: PXE, 67: '687474703a2f2f782f61' }), { ok: false, nothing: false }],
    [
      'the loader again',
      'ipxe',
      lease({}, { file: 'snponly.efi' }),
      { ok: false, reason: 'DHCP (ipxe): snponly.efi is no boot script: iPXE was sent to a loader again' },
    ],
  ])('%s', (_, speaker, reply, read) => {
    expect(readBootReply(speaker, reply)).toMatchObject(read)
  })
})

test('the release stands in .cd-info, in any quotes', () => {
  expect(
    readRelease(Buffer.from(`PRODUCT='pbs'\nPRODUCTLONG="Proxmox Backup Server"\nRELEASE=4.1\nISORELEASE='1'\n`)),
  ).toEqual({ product: 'pbs', fullname: 'Proxmox Backup Server', release: '4.1', isorelease: '1' })
  expect(readRelease(undefined)).toEqual({ product: 'pve', fullname: 'Proxmox VE', release: '9.2', isorelease: '1' })
})
