import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { urlsOf } from '../../services/boot/urls.ts'
import { ipv4FromNumber, type Ipv4 } from '../../services/kit/ipv4.ts'
import { parsePrefix } from '../../services/kit/ipv4.ts'
import type { Mac } from '../../services/kit/mac.ts'
import type { AttemptId } from '../../services/machine/event.ts'
import { attemptToken } from '../../services/machine/secrets.ts'
import { reachesInstaller } from '../../services/site/urls.ts'

const MAC = 'bc:24:11:ab:12:21' as Mac
const A1 = 'a1a1a1a1' as AttemptId

function site(address = '10.77.0.1', port = 80, tlsPort = 443): Parameters<typeof urlsOf>[0] {
  return {
    network: { interface: 'eth1', address: address as Ipv4, prefix: parsePrefix('10.77.0.0/24')! },
    http: { port, tlsPort },
  }
}

test('usual ports are left out', () => {
  const urls = urlsOf(site())
  expect([
    urls.script(MAC),
    urls.diskFailed(MAC),
    urls.loadFailed(MAC),
    urls.chosen(MAC, 'menu'),
    urls.loader('memtest86+x64.efi'),
    urls.kernel(A1),
    urls.initrd(A1),
    urls.answer(),
    urls.answer('t0k3n'),
    urls.webhook('t0k3n'),
    urls.firstBoot('t0k3n'),
  ]).toEqual([
    'http://10.77.0.1/boot.ipxe?mac=bc:24:11:ab:12:21&uuid=${uuid}&serial=${serial:uristring}&product=${product:uristring}',
    'http://10.77.0.1/boot.ipxe?mac=bc:24:11:ab:12:21&uuid=${uuid}&serial=${serial:uristring}&product=${product:uristring}&disk=failed',
    'http://10.77.0.1/boot.ipxe?mac=bc:24:11:ab:12:21&uuid=${uuid}&serial=${serial:uristring}&product=${product:uristring}&failed=${part}&error=${error}',
    'http://10.77.0.1/boot.ipxe?mac=bc:24:11:ab:12:21&uuid=${uuid}&serial=${serial:uristring}&product=${product:uristring}&choice=menu',
    'http://10.77.0.1/loaders/memtest86+x64.efi',
    'http://10.77.0.1/boot/a1a1a1a1/vmlinuz',
    'http://10.77.0.1/boot/a1a1a1a1/initrd.img',
    'https://10.77.0.1/answer',
    'https://10.77.0.1/answer/t0k3n',
    'https://10.77.0.1/webhook/t0k3n',
    'https://10.77.0.1/first-boot/t0k3n',
  ])
})

test('an installation asks for architecture and memory, which SMBIOS knows where iPXE does not', () => {
  const description =
    '&arch=${buildarch}&memsize=${memsize}&memory=${smbios/0.19.4.4:hexraw}-${smbios/0.19.8.4:hexraw},${smbios/1.19.4.4:hexraw}-${smbios/1.19.8.4:hexraw},${smbios/2.19.4.4:hexraw}-${smbios/2.19.8.4:hexraw},${smbios/3.19.4.4:hexraw}-${smbios/3.19.8.4:hexraw}'
  const urls = urlsOf(site())
  expect([urls.described(MAC), urls.described(MAC, 'install')]).toEqual([
    `${urls.script(MAC)}${description}`,
    `${urls.script(MAC)}${description}&choice=install`,
  ])
})

test('other ports are said', () => {
  const urls = urlsOf(site('10.77.0.1', 8080, 8443))
  expect([urls.kernel(A1), urls.answer('t0k3n')]).toEqual([
    'http://10.77.0.1:8080/boot/a1a1a1a1/vmlinuz',
    'https://10.77.0.1:8443/answer/t0k3n',
  ])
})

test('the script URL fits the boot file field of DHCP, with the longest address that a network has', () => {
  expect(urlsOf(site('192.168.177.177')).script(MAC).length).toBeLessThanOrEqual(127)
})

test('H25 property: whatever address, port, key and attempt, the answer URL passes a lease file, DNS and the shell unchanged', () => {
  const anyKey = fc.uint8Array({ minLength: 32, maxLength: 32 })
  fc.assert(
    fc.property(
      fc.nat(0xffffffff),
      fc.integer({ min: 1, max: 65_535 }),
      anyKey,
      fc.nat(0xffffffff),
      (address, port, key, id) => {
        const attempt = id.toString(16).padStart(8, '0') as AttemptId
        const url = urlsOf(site(ipv4FromNumber(address), 80, port)).answer(attemptToken(key, attempt, 'answer'))
        expect(url).toMatch(/^https:\/\/[0-9.]+(:\d+)?\/answer\/[A-Za-z0-9_-]{27}$/)
        expect(reachesInstaller(url)).toBe(true)
      },
    ),
  )
})

test('a token has 160 bits, and every attempt and purpose its own', () => {
  const key = randomBytes(32)
  const purposes = ['answer', 'webhook', 'first-boot', 'bearer'] as const
  const tokens = ['a1a1a1a1', 'a2a2a2a2'].flatMap(id =>
    purposes.map(purpose => attemptToken(key, id as AttemptId, purpose)),
  )
  expect(new Set(tokens).size).toBe(8)
  for (const token of tokens) expect(Buffer.from(token, 'base64url')).toHaveLength(20)
})
