/** As the kernel writes them: copied from /proc/net of a host with a resolver, a web server and a default route. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isRouted, parseSockets } from '../../services/health/probe/kernel-tables.ts'
import { ipxeVersionIn } from '../../services/health/probe/sent.ts'
import { ip } from '../dhcp/messages.ts'

const TCP = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 3500007F:0035 00000000:0000 0A 00000000:00000000 00:00000000 00000000   101        0 21210 1 0000000000000000 100 0 0 10 5
   1: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 21300 1 0000000000000000 100 0 0 10 0
   2: 01004D0A:9C40 02004D0A:01BB 01 00000000:00000000 00:00000000 00000000     0        0 21400 1 0000000000000000 20 4 30 10 -1
`
const UDP6 = `  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
  40: 00000000000000000000000000000000:0043 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 22100 2 0000000000000000 0
  41: 000080FE00000000FF1DD28554757EFE:0222 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 22200 2 0000000000000000 0
`
const ROUTES = `Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth1\t00004D0A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
eth1\t00004E0A\tFE004D0A\t0003\t0\t0\t0\t00FEFFFF\t0\t0\t0
`

test('what listens, and where; connections and addresses of IPv6 are passed over', () => {
  expect(parseSockets(TCP, 'tcp')).toEqual([
    { protocol: 'tcp', address: '127.0.0.53', port: 53, inode: '21210' },
    { protocol: 'tcp', address: '0.0.0.0', port: 80, inode: '21300' },
  ])
  expect(parseSockets(UDP6, 'udp')).toEqual([{ protocol: 'udp', address: '::', port: 67, inode: '22100' }])
})

test.each([
  ['10.77.0.9', true],
  ['10.78.1.9', true],
  ['10.79.0.9', false],
])('a way to %s', (address, expected) => {
  expect(isRouted(ROUTES, ip(address))).toBe(expected)
})

test('a default route leads everywhere', () => {
  expect(isRouted('eth0\t00000000\t01004E0A\t0003\t0\t0\t0\t00000000\t0\t0\t0\n', ip('10.79.0.9'))).toBe(true)
})

test('any text has an end', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (noise, more) => {
      parseSockets(`${TCP}${noise}\n 1: ${more}`, 'tcp')
      isRouted(`${ROUTES}eth1\t${noise}\t${more}`, ip('10.79.0.9'))
      ipxeVersionIn(`iPXE${noise}${more}`)
    }),
  )
})

test.each<[string, string, string | undefined]>([
  ['Debian', '\x00iPXE\x00\x001.0.0+git-20190125.36a4c85-5.1\0\0', '1.0.0+git-20190125.36a4c85-5.1'],
  ['upstream', 'iPXE\n1.21.1 (g0ccfbe)\0', '1.21.1 (g0ccfbe)'],
  ['a packed one', 'PXELINUX\0iPXE> \0', undefined],
])('the version of %s', (_, text, expected) => {
  expect(ipxeVersionIn(text)).toBe(expected)
})
