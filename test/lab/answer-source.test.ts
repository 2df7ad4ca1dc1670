import { createSocket, type Socket } from 'node:dgram'
import { execFile } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, expect, test } from 'vitest'
import { newFolder, runShell, STAND_IN } from './stand-in-shell.ts'

const folder = newFolder()
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const URL = 'https://10.77.0.1/answer/7f3a'
function lease(...lines: string[]): string {
  return `lease {\n  interface "eth0";\n${lines.map(line => `  ${line}\n`).join('')}}\n`
}
function option(name: string, value: string): string {
  return `option proxmox-auto-installer-${name} "${value}";`
}

async function find(leases: string, mode = ''): Promise<string> {
  writeFileSync(join(folder, 'leases'), leases)
  writeFileSync(join(folder, 'mode.toml'), mode)
  const lines = `
    flatten ${folder}/mode.toml >$work/mode
    from_dns() { url_source=DNS url=asked-dns; }
    leases=${folder}/leases
    find_answer_url
    echo "$url|$fingerprint|$url_source"`
  return (await runShell(folder, ['toml', 'source'], lines)).trim()
}

test.each([
  [
    'one lease with both options',
    lease(option('manifest-url', URL), option('cert-fingerprint', 'AB:CD')),
    '',
    `${URL}|AB:CD|DHCP option 250`,
  ],
  ['a lease without them: DNS is asked', lease('option routers 10.77.0.254;'), '', 'asked-dns||DNS'],
  [
    'a fingerprint alone is never joined with a URL from DNS',
    lease(option('cert-fingerprint', 'AB:CD')),
    '',
    'asked-dns||DNS',
  ],
  [
    'the mode file wins, and its fingerprint only',
    lease(option('manifest-url', 'x'), option('cert-fingerprint', 'AB')),
    'mode = "http"\n[http]\nurl = "https://a/b"\n',
    'https://a/b||the mode file',
  ],
  [
    'a fingerprint of the mode file beats option 251',
    lease(option('manifest-url', URL), option('cert-fingerprint', 'AB')),
    '[http]\ncert_fingerprint = "EF"\n',
    `${URL}|EF|DHCP option 250`,
  ],
  [
    'an empty option wins over DNS and leads nowhere',
    lease(option('manifest-url', '')),
    '',
    'FAILED: the URL from DHCP option 250 is empty',
  ],
  [
    'a blank in the value',
    lease(option('manifest-url', 'https://a b')),
    '',
    'FAILED: option proxmox-auto-installer-manifest-url has a blank in it: option proxmox-auto-installer-manifest-url "https://a b";',
  ],
  [
    'a NUL at the end, which dhclient writes out',
    lease(option('manifest-url', `${URL}\\000`)),
    '',
    `FAILED: option proxmox-auto-installer-manifest-url was escaped by dhclient: option proxmox-auto-installer-manifest-url "${URL}\\000";`,
  ],
  [
    'an ampersand, which dhclient escapes',
    lease(option('manifest-url', 'https://a/?b\\&c')),
    '',
    'FAILED: option proxmox-auto-installer-manifest-url was escaped by dhclient: option proxmox-auto-installer-manifest-url "https://a/?b\\&c";',
  ],
  [
    'two leases that do not agree',
    lease(option('manifest-url', 'https://old')) + lease(option('manifest-url', URL)),
    '',
    'FAILED: the leases do not agree about proxmox-auto-installer-manifest-url',
  ],
  ['two leases that agree', lease(option('manifest-url', URL)).repeat(2), '', `${URL}||DHCP option 250`],
])('where the answer is: %s', async (_, leases, mode, expected) => {
  expect(await find(leases, mode)).toBe(expected)
})

let server: Socket | undefined
afterEach(() => {
  server?.close()
  server = undefined
})

/** Answers every question with these records, written as DNS writes them; `code` is the response code. */
async function ask(
  records: Buffer[],
  code = 0,
): Promise<{ asked: Buffer; out: string; error: string; status: number }> {
  const socket = createSocket('udp4')
  server = socket
  let asked = Buffer.alloc(0)
  socket.on('message', (message, from) => {
    asked = message
    const question = message.subarray(12, message.length - 23)
    const head = Buffer.from(message.subarray(0, 12))
    head.writeUInt16BE(0x8580 | code, 2)
    head.writeUInt16BE(records.length, 6)
    head.writeUInt16BE(0, 10)
    socket.send(Buffer.concat([head, question, ...records]), from.port, from.address)
  })
  await new Promise<void>(resolve => socket.bind(0, '127.0.0.1', resolve))
  const words = [
    join(STAND_IN, 'txt.bash'),
    'proxmox-auto-installer.rack7.example.org',
    '127.0.0.1',
    `${socket.address().port}`,
    folder,
  ]
  return new Promise(resolve => {
    execFile('bash', words, { encoding: 'utf8' }, (error, out, told) => {
      resolve({ asked, out: out.trim(), error: told.trim(), status: error ? 1 : 0 })
    })
  })
}

function record(type: number, data: Buffer): Buffer {
  const head = Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 60, 0, data.length])
  return Buffer.concat([head, data])
}
function text(...strings: string[]): Buffer {
  return record(
    16,
    Buffer.concat(strings.flatMap(value => [Buffer.from([value.length]), Buffer.from(value, 'latin1')])),
  )
}

test('the question is one for TXT in class IN, with EDNS and a cookie', async () => {
  const { asked } = await ask([text(URL)])
  expect(asked.subarray(2, 12).toString('hex')).toBe('01200001000000000001')
  expect(asked.subarray(12).toString('latin1')).toBe(
    '\x16proxmox-auto-installer\x05rack7\x07example\x03org\0\0\x10\0\x01' +
      '\0\0\x29\x04\xd0\0\0\0\0\0\x0c\0\x0a\0\x08Rackrise',
  )
})

test.each([
  ['one record of one string', [text(URL)], 0, { out: URL, error: '', status: 0 }],
  ['no such name', [], 3, { out: '', error: '', status: 0 }],
  ['no record of that type', [], 0, { out: '', error: '', status: 0 }],
  [
    'a record of two strings',
    [text('https://', 'a')],
    0,
    { out: '', error: 'a record of several strings, which dig prints with a blank between them', status: 1 },
  ],
  [
    'two records',
    [text('a'), text('b')],
    0,
    { out: '', error: '2 records: a CNAME or a second TXT record is printed as another line', status: 1 },
  ],
  ['a CNAME alone', [record(5, Buffer.from([0xc0, 12]))], 0, { out: '', error: 'a record of type 5', status: 1 }],
  ['a quote in the text', [text('a"b')], 0, { out: '', error: 'byte 22, which dig escapes', status: 1 }],
  ['a blank in the text', [text('a b')], 0, { out: '', error: 'a blank', status: 1 }],
  ['a server that refuses', [], 5, { out: '', error: 'the server says response code 5', status: 1 }],
])('a TXT record: %s', async (_, records, code, expected) => {
  const { out, error, status } = await ask(records, code)
  expect({ out, error, status }).toEqual(expected)
})
