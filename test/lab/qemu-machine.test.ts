import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import type { Mac } from '../../services/kit/mac.ts'
import { aptLine, missingPackages } from '../../services/lab/packages.ts'
import { commandLine, type QemuMachineRequest } from '../../services/lab/qemu/command-line.ts'
import { SerialLog } from '../../services/lab/qemu/serial-log.ts'
import { withBootOrder } from '../../services/lab/qemu/uefi-variables.ts'
import { BARE_ADVERTISEMENT } from '../../services/lab/router-advertisement.ts'

const folder = mkdtempSync(join(tmpdir(), 'rackrise-qemu-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const request: QemuMachineRequest = {
  name: 'node1',
  mac: 'bc:24:11:ab:12:21' as Mac,
  uuid: '5ac4815e-0000-4000-8000-000000000001',
  serial: 'LAB-1',
  firmware: 'bios',
  tap: 'tap0',
  folder: '/lab/node1',
  memoryMiB: 1024,
  diskMiB: 64,
  accel: 'tcg',
}

test('a BIOS machine tries network, then disk, then begins again, and its frames go through the lab', () => {
  const line = commandLine(request).join(' ')
  expect(line).toContain('-machine pc,graphics=off -boot reboot-timeout=10000')
  expect(line).toContain('tap,id=net,ifname=tap0,script=no,downscript=no,vnet_hdr=off')
  expect(line).toContain('virtio-net-pci,netdev=net,mac=bc:24:11:ab:12:21,addr=4,bootindex=1')
  expect(line).toContain('virtio-blk-pci,drive=disk,addr=5,bootindex=2')
  expect(line).toContain('filter-redirector,id=unmark,netdev=net,queue=rx,indev=frames-in,outdev=frames-out')
  expect(line).toContain('type=1,serial=LAB-1,uuid=5ac4815e-0000-4000-8000-000000000001')
})

test('a UEFI machine has the driver of its firmware, variables of its own, and no filter', () => {
  const line = commandLine({ ...request, firmware: 'uefi' }).join(' ')
  expect(line).toContain('file=/lab/node1/uefi-variables.fd')
  expect(line).toContain('mac=bc:24:11:ab:12:21,addr=4,romfile=')
  expect(line).not.toMatch(/filter|bootindex|vnet_hdr/)
})

test('a comma in a name does not become another option', () => {
  expect(commandLine({ ...request, serial: 'a,b' })).toContain(
    'type=1,serial=a,,b,uuid=5ac4815e-0000-4000-8000-000000000001',
  )
})

test('a machine can be started elsewhere, and never outlives the lab', () => {
  const words = commandLine({ ...request, enter: ['ip', 'netns', 'exec', 'lab'] })
  expect(words.slice(0, 8)).toEqual(['ip', 'netns', 'exec', 'lab', '/usr/bin/setpriv', '--pdeathsig', 'KILL', '--'])
})

test('hardware virtualisation is used when it is asked for', () => {
  expect(commandLine({ ...request, accel: 'kvm' }).join(' ')).toContain('-accel kvm -cpu host')
  expect(commandLine(request).join(' ')).toContain('-accel tcg,thread=multi -cpu qemu64')
})

test('the boot order is PXE over IPv4, then the disk', () => {
  const store = withBootOrder(Buffer.alloc(4096, 0xff), request)
  const text = store.toString('latin1')
  const wide = (name: string): string => Buffer.from(`${name}\0`, 'utf16le').toString('latin1')
  const order = text.indexOf(wide('BootOrder'))
  expect(store.subarray(order + 20, order + 24).toString('hex')).toBe('010a020a')
  const network =
    '02010c00d041030a00000000' +
    '010106000004' +
    '030b2500bc2411ab1221' +
    '00'.repeat(26) +
    '01' +
    '030c1b00' +
    '00'.repeat(23) +
    '7fff0400'
  expect(store.indexOf(Buffer.from(network, 'hex'))).toBeGreaterThan(text.indexOf(wide('Boot0A01')))
  expect(store.indexOf(Buffer.from('02010c00d041030a00000000' + '010106000005' + '7fff0400', 'hex'))).toBeGreaterThan(
    text.indexOf(wide('Boot0A02')),
  )
  expect(store.subarray(0, 0x64).every(byte => byte === 0xff)).toBe(true)
})

test('HTTP Boot is the same path with an empty URI at its end', () => {
  const store = withBootOrder(Buffer.alloc(4096, 0xff), { ...request, httpBoot: true })
  const end = '030c1b00' + '00'.repeat(23) + '03180400' + '7fff0400'
  expect(store.includes(Buffer.from(end, 'hex'))).toBe(true)
})

test('behind the keys of Secure Boot, and before nothing else', () => {
  const keys = withBootOrder(Buffer.alloc(4096, 0xff), undefined)
  const store = withBootOrder(keys, request)
  const end = keys.lastIndexOf(Buffer.from('7fff0400', 'hex')) + 4
  expect(store.subarray(0, end)).toEqual(keys.subarray(0, end))
  expect(store.indexOf(Buffer.from('aa55', 'hex').reverse(), end)).toBeLessThan(end + 4)
  expect(store.includes(Buffer.from('030b2500bc2411ab1221', 'hex'))).toBe(true)
})

test('Secure Boot has firmware that keeps its variables to itself', () => {
  const line = commandLine({ ...request, firmware: 'uefi', secureBoot: true }).join(' ')
  expect(line).toContain('-machine q35,smm=on -global driver=cfi.pflash01,property=secure,value=on')
  expect(line).toContain('file=/usr/share/OVMF/OVMF_CODE_4M.secboot.fd')
})

test('a store that is none is refused', () => {
  expect(() => withBootOrder(Buffer.alloc(4096), request)).toThrow(RangeError)
})

test('serial lines come whole and without control sequences, and are kept in a file as they came', async () => {
  const file = join(folder, 'serial.log')
  const heard: string[] = []
  const log = new SerialLog(await open(file, 'a'), line => heard.push(line))
  const waiting = log.wait(/BOOTED/, 5000)
  log.add(Buffer.from('\x1b[2J\x1b[0mSeaBIOS\r'))
  log.add(Buffer.from('\n\r\nRACKRISE DISK BO'))
  log.add(Buffer.from('OTED\r\nrest'))
  await log.close()
  expect(heard).toEqual(['SeaBIOS', 'RACKRISE DISK BOOTED'])
  expect(await waiting).toBe('RACKRISE DISK BOOTED')
  expect(await log.wait(/Sea/, 1)).toBe('SeaBIOS')
  expect(await log.wait(/Sea/, 1, 1)).toBeUndefined()
  expect(readFileSync(file, 'latin1')).toBe('\x1b[2J\x1b[0mSeaBIOS\r\n\r\nRACKRISE DISK BOOTED\r\nrest')
})

test('packages of which a file is missing are named once, with the line that installs them', async () => {
  const needs = [
    { file: '/', package: 'base-files' },
    { file: '/no/such/file', package: 'ovmf' },
    { file: '/no/such/other', package: 'ovmf' },
    { file: '/nowhere', package: 'ipxe' },
  ]
  expect(await missingPackages(needs)).toEqual(['ovmf', 'ipxe'])
  expect(aptLine(['ovmf', 'ipxe'])).toBe('apt-get install --no-install-recommends ovmf ipxe')
})

test('the router advertisement offers nothing: no router, no prefix', () => {
  expect(Buffer.from(BARE_ADVERTISEMENT).toString('hex')).toBe('86000000' + '00000000' + '00000000' + '00000000')
})
