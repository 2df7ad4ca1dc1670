import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { generate } from 'selfsigned'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { holdsGroups } from '../../services/health/check-host.ts'
import type { Problem } from '../../services/kit/problem.ts'
import { LAYER } from '../http/rig.ts'
import { goodSite, rackrise, siteText } from './rig.ts'

// Child processes, on a machine that does other things too.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

let folder: string
let file: string
beforeEach(async () => {
  ;({ folder, file } = await goodSite())
})
afterEach(() => rm(folder, { recursive: true }))

test('a good site is ready, and nothing was written', async () => {
  const before = await readdir(folder)
  const { status, out, err } = await rackrise(folder, 'check', '--config', file)
  expect([status, err]).toEqual([0, ''])
  expect(out).toMatch(
    /^rack: lo 127\.0\.0\.1, domain rack\.test\n  machines  2 listed, 0 of them approved by the site file\n  loaders   x86-bios undionly\.kpxe, x64-uefi snponly\.efi, arm64-uefi none \(no snponly-arm64\.efi or ipxe-arm64\.efi\)\n  isos      proxmox-ve_9\.2-1\.iso \(\d+\.\d MiB of memory per machine\)\nready\n$/,
  )
  expect(await readdir(folder)).toEqual(before)
})

test('on a terminal it says what comes next', async () => {
  const main = join(import.meta.dirname, '../../services/main.ts')
  const terminal = spawn('script', ['-qec', `${process.execPath} ${main} check --config ${file}`, '/dev/null'])
  let shown = ''
  terminal.stdout.on('data', (part: Buffer) => (shown += part.toString()))
  await once(terminal, 'close')
  expect(shown.replaceAll('\r', '')).toContain(
    'ready\nnext, as root: `rackrise doctor` looks at the wire, `rackrise serve` runs it\n',
  )
})

test.each([
  ['1\t0\n', false],
  ['0\t2147483647\n', true],
  ['998 998', true],
  ['', false],
])('groups that may ping: %j', (range, expected) => {
  expect(holdsGroups(range)).toBe(expected)
})

test('the site file is found where a checkout has it', async () => {
  await mkdir(join(folder, 'config'))
  await writeFile(join(folder, 'config', 'site.toml'), siteText(folder))
  expect((await rackrise(folder, 'check', '--json')).out).toBe('{\n  "problems": []\n}\n')
})

test('a certificate of the site that has ended is told, and keeps nothing from starting', async () => {
  const made = await generate([{ name: 'commonName', value: 'answers' }], {
    keyType: 'ec',
    curve: 'P-256',
    notBeforeDate: new Date(Date.UTC(2020, 0, 1)),
    notAfterDate: new Date(Date.UTC(2021, 0, 1)),
  })
  await writeFile(join(folder, 'own.pem'), made.cert)
  await writeFile(join(folder, 'own.key'), made.private, { mode: 0o600 })
  await writeFile(file, `${siteText(folder)}[http]\ncertificate-file = "own.pem"\nkey-file = "own.key"\n`)
  const { status, err } = await rackrise(folder, 'check', '--config', file)
  expect([status, err]).toEqual([
    0,
    `warning: ${folder}/own.pem ended at 2021-01-01T00:00:00.000Z; installers that are told its fingerprint do not mind, everybody else refuses it; replace the files of http.certificate-file and http.key-file; they are picked up while the appliance runs\n`,
  ])
})

test('everything that is wrong around a site is told at once, each with what to do', async () => {
  await rm(join(folder, 'loaders', 'snponly.efi'))
  await writeFile(join(folder, 'isos', 'broken.iso'), 'not an image')
  await writeFile(join(folder, 'answers', 'base.toml'), LAYER.replace('"Europe/Vienna"', '"Mars/Olympus"'))
  await writeFile(join(folder, 'answers', 'odd.toml'), 'a = \n')
  await writeFile(file, siteText(folder).replace('"lo"', '"nosuch0"').replace('pve:latest', 'pbs:latest'))
  const { status, out, err } = await rackrise(folder, 'check', '--config', file)
  expect(status).toBe(1)
  expect(out).toMatch(/\nnot ready: \d+ errors\n$/)
  const lines = err.trimEnd().split('\n')
  for (const line of lines) expect(line).toMatch(/^(\S+: )?(error|warning): .+; .+$/)
  for (const piece of [
    'the interface nosuch0 does not exist',
    'has no snponly.efi',
    'broken.iso: error',
    'profile pve: no ISO fits "pbs:latest"',
    'odd.toml:1',
    // What two machines have alike is one line, at the layer that says so.
    'answers/base.toml:4:1: error: answer of node1, node2: global.timezone: "Mars/Olympus" is not',
  ]) {
    expect(lines.filter(line => line.includes(piece))).toHaveLength(1)
  }
})

test('signed loaders are looked for where somebody is to load them', async () => {
  await writeFile(file, siteText(folder).replace('[[profile]]', '[[profile]]\nloader = "grub"'))
  await writeFile(join(folder, 'loaders', 'shimx64.efi.signed'), 'shim')
  const missing = await rackrise(folder, 'check', '--config', file)
  expect([missing.status, missing.err]).toEqual([
    1,
    `error: loader = "grub": ${join(folder, 'loaders')} has no grubnetx64.efi.signed; put it there from the packages that signed the kernel of your ISO, see docs/secure-boot.md\n`,
  ])
  await writeFile(join(folder, 'loaders', 'grubnetx64.efi.signed'), 'grub')
  const there = await rackrise(folder, 'check', '--config', file)
  expect([there.status, there.err]).toEqual([0, ''])
  expect(there.out).toContain('arm64-uefi none (no snponly-arm64.efi or ipxe-arm64.efi); signed: shim and GRUB\n')
})

test('everything that is wrong in a site file is told at once, with line and column', async () => {
  await writeFile(
    file,
    siteText(folder)
      .replace('domain =', 'domian =')
      .replace('mode = "off"', 'mode = "maybe"')
      .replace('mac = ["bc:24:11:ab:12:22"]', 'mac = ["bc:24"]'),
  )
  const { status, out, err } = await rackrise(folder, 'check', '--config', file)
  expect([status, out]).toEqual([1, ''])
  const lines = err.trimEnd().split('\n')
  for (const line of lines) expect(line).toMatch(/^\S+site\.toml:\d+:\d+: (error|warning): .+; .+$/)
  for (const piece of [
    ':2:1: error: unknown key "domian"',
    ':7:1: error: "mode" in [dhcp]: "maybe" is not a choice',
    ':24:8: error: "mac" in [[machine]]: "bc:24" is not the MAC address of a NIC',
  ])
    expect(err).toContain(piece)
})

test('the same as JSON, for programs', async () => {
  await writeFile(file, siteText(folder).replace('"lo"', '"nosuch0"'))
  const { status, out, err } = await rackrise(folder, 'check', '--config', file, '--json')
  const { problems } = JSON.parse(out) as { problems: Problem[] }
  expect([status, err]).toEqual([1, ''])
  expect(problems).toEqual([
    {
      code: 'interface-missing',
      message: 'the interface nosuch0 does not exist',
      hint: 'see `ip link` for the names, and set network.interface',
      severity: 'error',
    },
  ])
})

test('a site file that is not there', async () => {
  const { status, out, err } = await rackrise(folder, 'check', '--config', join(folder, 'other.toml'))
  expect([status, out]).toEqual([1, ''])
  expect(err).toMatch(/^\S+\/other\.toml: error: it does not exist; name another one with --config, [^\n]+\n$/)
})
