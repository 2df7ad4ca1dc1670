import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { usageMistake } from '../../services/cli/iso-prepare.ts'
import { inspectFile } from '../../services/iso/catalogue.ts'
import { readFile as readIsoFile } from '../../services/iso/iso9660.ts'
import { isProblem } from '../../services/kit/is-problem.ts'
import { CD_INFO, proxmoxImage } from '../iso/small-image.ts'
import { rackrise } from './rig.ts'

// Child processes, on a machine that does other things too.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const FINGERPRINT = 'AA'.repeat(32)
const ANSWER = `[global]
keyboard = "de"
country = "at"
fqdn = "node1.example.org"
mailto = "root@example.org"
timezone = "Europe/Vienna"
root-password-hashed = "$y$j9T$abcdefghijklmnopqrstu$0123456789012345678901234567890123456789012"
[network]
source = "from-dhcp"
[disk-setup]
filesystem = "ext4"
disk-list = ["sda"]
`

let folder: string
let library: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rackrise-prepare-'))
  library = join(folder, 'here')
  await mkdir(library)
  await writeFile(join(library, 'pve.iso'), proxmoxImage())
  await writeFile(join(library, 'old.iso'), proxmoxImage(CD_INFO.replace("'9.2'", "'8.2'")))
  await writeFile(join(folder, 'answer.toml'), ANSWER)
  await writeFile(join(folder, 'hook.sh'), '#!/bin/sh\necho ready\n')
  await writeFile(join(folder, 'token'), 'rack:hush\n', { mode: 0o600 })
})
afterEach(() => rm(folder, { recursive: true }))

const prepare = (iso: string, ...args: string[]) => rackrise(folder, 'iso', 'prepare', `here/${iso}`, ...args)

/** Everything that is in the root of a prepared image, as text. */
async function baked(file: string): Promise<Record<string, string>> {
  const { result } = await inspectFile(join(library, file))
  if (isProblem(result)) throw new Error(result.message)
  const files = result.image.primary.entries.filter(
    ({ kind, name }) => kind === 'file' && /toml$|first-boot/.test(name),
  )
  const texts = await Promise.all(files.map(({ name }) => readIsoFile(result.image, `/${name}`, 10_000)))
  return Object.fromEntries(files.map(({ name }, index) => [name, Buffer.from(texts[index]!).toString()]))
}

describe('what is written', () => {
  test('http: the mode file says URL, fingerprint and token, and the name of the file says so too', async () => {
    const url = 'https://10.0.0.1/answer'
    const args = ['--url', url, '--cert-fingerprint', FINGERPRINT, '--answer-auth-token-file', 'token']
    const { status, out, err } = await prepare('pve.iso', '--fetch-from', 'http', ...args)
    expect([status, err]).toEqual([0, ''])
    expect(out).toBe(
      `${library}/pve-auto-from-http-url-fp.iso written, 52.0 KiB; it holds secrets, so that only you may read it\n`,
    )
    expect(await baked('pve-auto-from-http-url-fp.iso')).toEqual({
      'auto-installer-mode.toml': `mode = "http"\npartition_label = "proxmox-ais"\n\n[http]\nurl = "${url}"\ncert_fingerprint = "${FINGERPRINT}"\ntoken = "rack:hush"\n`,
    })
    expect((await stat(join(library, 'pve-auto-from-http-url-fp.iso'))).mode & 0o777).toBe(0o600)
    const inspected = await rackrise(folder, 'iso', 'inspect', 'here/pve-auto-from-http-url-fp.iso')
    expect(inspected.out).toContain(`for mode http, answers from ${url}, certificate ${FINGERPRINT}, carries a token\n`)
  })

  test('http without more: DHCP or DNS say where', async () => {
    const { status } = await prepare('pve.iso', '--fetch-from', 'http')
    expect(status).toBe(0)
    expect(await baked('pve-auto-from-http.iso')).toEqual({
      'auto-installer-mode.toml': 'mode = "http"\npartition_label = "proxmox-ais"\n',
    })
    expect((await stat(join(library, 'pve-auto-from-http.iso'))).mode & 0o777).toBe(0o644)
  })

  test('iso: answer and script come along, byte for byte', async () => {
    const answer = `${ANSWER}[first-boot]\nsource = "from-iso"\n`
    await writeFile(join(folder, 'answer.toml'), answer)
    const args = ['--answer-file', 'answer.toml', '--on-first-boot', 'hook.sh', '--output', 'here/out.iso']
    const { status, err } = await prepare('pve.iso', '--fetch-from', 'iso', ...args)
    expect([status, err]).toEqual([0, ''])
    expect(await baked('out.iso')).toEqual({
      'auto-installer-mode.toml': 'mode = "iso"\npartition_label = "proxmox-ais"\n',
      'answer.toml': answer,
      'proxmox-first-boot': '#!/bin/sh\necho ready\n',
    })
    expect((await stat(join(library, 'out.iso'))).mode & 0o777).toBe(0o600)
  })

  test('partition: with its label', async () => {
    const { status } = await prepare('pve.iso', '--fetch-from', 'partition', '--partition-label', 'MY-ANSWERS')
    expect(status).toBe(0)
    expect(await baked('pve-auto-from-partition.iso')).toEqual({
      'auto-installer-mode.toml': 'mode = "partition"\npartition_label = "MY-ANSWERS"\n',
    })
  })

  test('8.2 refuses a key that it does not know, so that it is left out', async () => {
    expect((await prepare('old.iso', '--fetch-from', 'partition')).status).toBe(0)
    expect(await baked('old-auto-from-partition.iso')).toEqual({ 'auto-installer-mode.toml': 'mode = "partition"\n' })
  })

  test('for programs', async () => {
    const { status, out } = await prepare('pve.iso', '--fetch-from', 'http', '--json')
    expect([status, JSON.parse(out)]).toEqual([
      0,
      { output: `${library}/pve-auto-from-http.iso`, bytes: 53_248, mode: 'http', problems: [] },
    ])
  })

  test('the original is as it was', async () => {
    await prepare('pve.iso', '--fetch-from', 'http')
    expect(Buffer.compare(await readFile(join(library, 'pve.iso')), proxmoxImage())).toBe(0)
  })
})

describe('a file that is there', () => {
  test('is not replaced, unless --force says so', async () => {
    await writeFile(join(library, 'out.iso'), 'precious')
    const once = await prepare('pve.iso', '--fetch-from', 'http', '--output', 'here/out.iso')
    expect([once.status, once.out]).toEqual([1, ''])
    expect(once.err).toBe(
      `${library}/out.iso: error: there is a file already; name another, or replace it with --force\n`,
    )
    expect(await readFile(join(library, 'out.iso'), 'utf8')).toBe('precious')
    const forced = await prepare('pve.iso', '--fetch-from', 'http', '--output', 'here/out.iso', '--force')
    expect(forced.status).toBe(0)
    expect((await readdir(library)).toSorted()).toEqual(['old.iso', 'out.iso', 'pve.iso'])
  })

  test.each([
    ['the ISO itself', 'here/pve.iso'],
    ['the ISO itself by a link', 'here/link.iso'],
  ])('%s is never replaced', async (_, output) => {
    await symlink(join(library, 'pve.iso'), join(library, 'link.iso'))
    const { status, err } = await prepare('pve.iso', '--fetch-from', 'http', '--output', output, '--force')
    expect([status, err]).toEqual([1, `${folder}/${output}: error: this is the ISO itself; name another --output\n`])
    expect(Buffer.compare(await readFile(join(library, 'pve.iso')), proxmoxImage())).toBe(0)
  })
})

describe('what cannot be prepared: status 1, one line for each reason, and no file', () => {
  const http = ['--fetch-from', 'http']
  const iso = ['--fetch-from', 'iso', '--answer-file']
  test.each<[string, string, string[], RegExp]>([
    ['an answer with mistakes', 'pve.iso', [...iso, 'broken.toml'], /^broken\.toml:2:1: error: .*keyboard.*\n/],
    ['an answer that is not there', 'pve.iso', [...iso, 'none.toml'], /^none\.toml: error: it cannot be read: ENOENT/],
    [
      'an answer that wants a script',
      'pve.iso',
      [...iso, 'wants.toml'],
      /^wants\.toml:14:1: error: first-boot needs a script inside the ISO; name the script with --on-first-boot\n$/,
    ],
    [
      'a token that others may read',
      'pve.iso',
      [...http, '--answer-auth-token-file', 'open'],
      /^open: error: it holds a secret, and others may read it; chmod 600 open\n$/,
    ],
    [
      'a token of another form',
      'pve.iso',
      [...http, '--answer-auth-token', 'hush'],
      /^error: the token is not of the form NAME:SECRET, without blanks; write it on one line\n$/,
    ],
    [
      'a token for 8.2',
      'old.iso',
      [...http, '--answer-auth-token', 'a:b'],
      /old\.iso: error: the installer of pve 8\.2-1 does not know a token in its mode file; use a newer release\n$/,
    ],
    [
      'a label for 8.2',
      'old.iso',
      ['--fetch-from', 'partition', '--partition-label', 'MINE'],
      /does not know another partition label/,
    ],
    ['a script for 8.2', 'old.iso', [...http, '--on-first-boot', 'hook.sh'], /does not know first-boot scripts/],
    ['an empty script', 'pve.iso', [...http, '--on-first-boot', 'empty'], /^empty: error: it is empty/],
    [
      'a script of more than a mebibyte',
      'pve.iso',
      [...http, '--on-first-boot', 'large'],
      /^large: error: it has 1048577 bytes; 1048576 are the most\n$/,
    ],
    [
      'a folder that is not there',
      'pve.iso',
      [...http, '--output', 'nowhere/out.iso'],
      /error: the ISO cannot be written: ENOENT/,
    ],
    ['what is no ISO', 'no.iso', http, /not an ISO 9660 image/],
    [
      'an ISO that was prepared with an answer',
      'baked.iso',
      http,
      /baked\.iso: error: this ISO was prepared before; .*; use the ISO as Proxmox publishes it\n$/,
    ],
  ])('%s', async (_, file, args, said) => {
    await writeFile(join(folder, 'broken.toml'), ANSWER.replace('"de"', '"xx"'))
    await writeFile(join(folder, 'wants.toml'), `${ANSWER}[first-boot]\nsource = "from-iso"\n`)
    await writeFile(join(folder, 'open'), 'a:b')
    await chmod(join(folder, 'open'), 0o640)
    await writeFile(join(folder, 'empty'), '')
    await writeFile(join(folder, 'large'), 'x'.repeat(1024 ** 2 + 1))
    await writeFile(join(library, 'no.iso'), 'no image')
    const old = [{ name: 'answer.toml', text: 'root-password = "hush"' }]
    await writeFile(join(library, 'baked.iso'), proxmoxImage(CD_INFO, old))
    const { status, out, err } = await prepare(file, ...args)
    expect([status, out]).toEqual([1, ''])
    expect(err).toMatch(said)
    expect((await readdir(library)).toSorted()).toEqual(['baked.iso', 'no.iso', 'old.iso', 'pve.iso'])
  })
})

test('a command line that is wrong: status 2, one line, and the way to the help', async () => {
  const { status, out, err } = await prepare('pve.iso')
  const line = 'rackrise iso: iso prepare needs --fetch-from http, iso or partition; see `rackrise iso --help`\n'
  expect([status, out, err]).toEqual([2, '', line])
})

test.each([
  [{ 'fetch-from': 'floppy' }, 'iso prepare needs --fetch-from http, iso or partition'],
  [{ 'fetch-from': 'iso' }, '--fetch-from iso needs --answer-file'],
  [{ 'fetch-from': 'iso', url: 'https://a/' }, '--url is for --fetch-from http'],
  [{ 'fetch-from': 'http', 'answer-file': 'answer.toml' }, '--answer-file is for --fetch-from iso'],
  [{ 'fetch-from': 'http', url: 'ftp://a/' }, '--url is not an http or https URL'],
  [
    { 'fetch-from': 'http', 'cert-fingerprint': 'abc' },
    '--cert-fingerprint is not a SHA-256 fingerprint: write 64 hexadecimal digits, colons allowed',
  ],
  [{ 'fetch-from': 'partition', 'partition-label': 'a b' }, '--partition-label has letters, digits and #+-.:=@_ only'],
  [
    { 'fetch-from': 'http', 'answer-auth-token': 'a:b', 'answer-auth-token-file': 'token' },
    'name the token once: --answer-auth-token or --answer-auth-token-file',
  ],
  [{ 'fetch-from': 'http', url: 'http://[fd00::1]/answer', 'cert-fingerprint': FINGERPRINT }, undefined],
])('options that do not fit together: %j', (values, message) => {
  expect(usageMistake(values)).toBe(message)
})
