/** From disk: what a file can be, and what the files that it names must be (M05). */
import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { formatProblem } from '../../services/kit/problem.ts'
import { loadSite } from '../../services/site/load.ts'
import { changed, RIGHT } from './sites.ts'

let folder = ''

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rackrise-site-'))
})

afterEach(() => {
  rmSync(folder, { recursive: true })
})

/** The folder is called `@` in what is compared, since its name is another one each time. */
async function problemsFor(content: string | Uint8Array, name = 'site.toml'): Promise<string[]> {
  writeFileSync(join(folder, name), content)
  return problemsIn(name)
}

async function problemsIn(name: string): Promise<string[]> {
  const outcome = await loadSite(join(folder, name))
  const problems = 'problems' in outcome ? outcome.problems : outcome.warnings
  return problems.map(problem => formatProblem(problem).replaceAll(folder, '@'))
}

function secret(name: string, mode: number, content = 'k3y'): void {
  writeFileSync(join(folder, name), content)
  chmodSync(join(folder, name), mode)
}

test('a right file is a site', async () => {
  expect(await problemsFor(RIGHT)).toEqual([])
})

test('a byte order mark is passed over and counts for no column', async () => {
  expect(await problemsFor(`\ufeffcolour = 1\n${RIGHT}`)).toEqual([
    '@/site.toml:1:1: error: unknown key "colour" in the file; known keys are site, network, dhcp, dns, http, boot, paths, console, store, log, profile, machine, rule, webhook, version',
  ])
})

test.each<[string, string | Uint8Array, string[]]>([
  [
    'a file of more than a mebibyte',
    `${RIGHT}#${'x'.repeat(1024 * 1024)}`,
    ['@/site.toml: error: it is larger than 1 MiB; write a shorter site file'],
  ],
  [
    'a file in Latin-1',
    Uint8Array.from([0x23, 0x20, 0xe4, 0x0a]),
    ['@/site.toml: error: it is not UTF-8 text; save it as UTF-8'],
  ],
])('%s', async (_, content, problems) => {
  expect(await problemsFor(content)).toEqual(problems)
})

test('a file that is not there', async () => {
  expect(await problemsIn('site.toml')).toEqual([
    '@/site.toml: error: it does not exist; name another one with --config, or make one with `rackrise init`',
  ])
})

test('a folder instead of a file', async () => {
  mkdirSync(join(folder, 'site.toml'))
  expect(await problemsIn('site.toml')).toEqual([
    '@/site.toml: error: it is not a file; name the site file with --config',
  ])
})

test('a pipe, which would block a reader', async () => {
  execFileSync('mkfifo', [join(folder, 'site.toml')])
  expect(await problemsIn('site.toml')).toEqual([
    '@/site.toml: error: it is not a file; name the site file with --config',
  ])
})

test('an interface that this host does not have gives no address', async () => {
  const source = changed('address = "10.77.0.1/24"\n', '').replace('"eth1"', '"nothere9"')
  expect(await problemsFor(source)).toEqual([
    '@/site.toml:4:1: error: interface "nothere9" has no IPv4 address here; set "address" in [network], or give the interface an address',
  ])
})

test('an interface gives its own address', async () => {
  const source = '[site]\ndomain = "rack.test"\n[network]\ninterface = "lo"\n[dhcp]\nmode = "off"\n'
  writeFileSync(join(folder, 'site.toml'), source)
  const outcome = await loadSite(join(folder, 'site.toml'))
  expect('site' in outcome && outcome.site.network).toEqual({
    interface: 'lo',
    address: '127.0.0.1',
    prefix: { network: '127.0.0.0', length: 8 },
  })
})

const WITH_HOOK = `${RIGHT}[[webhook]]\nurl = "https://a.example.org/"\nsecret-file = "hook.key"\n`

test.each<[string, number, string[]]>([
  ['only its owner reads it', 0o600, []],
  ['only its owner reads it, and nobody writes it', 0o400, []],
  [
    'the group reads it',
    0o640,
    [
      '@/site.toml:12:1: error: "@/hook.key" holds a secret and has mode 0640; take it away from group and others: chmod 600 "@/hook.key"',
    ],
  ],
  [
    'everybody reads it',
    0o604,
    [
      '@/site.toml:12:1: error: "@/hook.key" holds a secret and has mode 0604; take it away from group and others: chmod 600 "@/hook.key"',
    ],
  ],
  [
    'the group may replace it',
    0o620,
    [
      '@/site.toml:12:1: error: "@/hook.key" holds a secret and has mode 0620; take it away from group and others: chmod 600 "@/hook.key"',
    ],
  ],
])('secret file: %s', async (_, mode, problems) => {
  secret('hook.key', mode)
  expect(await problemsFor(WITH_HOOK)).toEqual(problems)
})

/** Two users that nobody is. */
const [SOMEBODY, APPLIANCE] = [54_321, 54_322]

function refusal(line: number, name: string): string {
  return `@/site.toml:${line}:1: error: "@/${name}" holds a secret and belongs to user ${SOMEBODY}, who may replace it; give it to the user that the appliance runs as: chown --reference="@/state" "@/${name}"`
}

test.each<[string, number, string[]]>([
  ['root', 0, []],
  ['the user that the appliance runs as', APPLIANCE, []],
  ['another user', SOMEBODY, [refusal(12, 'hook.key')]],
])('M05 secret file: its owner is %s', async (_, owner, problems) => {
  mkdirSync(join(folder, 'state'))
  chownSync(join(folder, 'state'), APPLIANCE, 0)
  secret('hook.key', 0o600)
  chownSync(join(folder, 'hook.key'), owner, 0)
  expect(await problemsFor(`${WITH_HOOK}[paths]\nstate = "state"\n`)).toEqual(problems)
})

test('M05 every file that holds a secret is judged by its owner, a certificate is not', async () => {
  mkdirSync(join(folder, 'state'))
  for (const name of ['a.pem', 'key.pem', 'tokens', 'users.toml']) {
    secret(name, 0o600)
    chownSync(join(folder, name), SOMEBODY, 0)
  }
  const named = `[http]\ncertificate-file = "a.pem"\nkey-file = "key.pem"\nanswer-token-file = "tokens"\n[console]\nusers-file = "users.toml"\n`
  const source = `${RIGHT}${named}[paths]\nstate = "state"\n`
  const problems = [refusal(12, 'key.pem'), refusal(13, 'tokens'), refusal(15, 'users.toml')]
  expect(await problemsFor(source)).toEqual(problems)
  // Whose the site file is may write anything into it.
  chownSync(join(folder, 'site.toml'), SOMEBODY, 0)
  expect(await problemsIn('site.toml')).toEqual([])
})

test('M05 while there is no state folder nobody knows whom the appliance runs as', async () => {
  secret('hook.key', 0o600)
  chownSync(join(folder, 'hook.key'), SOMEBODY, 0)
  expect(await problemsFor(`${WITH_HOOK}[paths]\nstate = "state"\n`)).toEqual([])
})

test('secret file: it is not there, it is empty, it is a folder', async () => {
  expect(await problemsFor(WITH_HOOK)).toEqual([
    '@/site.toml:12:1: error: "@/hook.key" does not exist; make it, or correct the path',
  ])
  secret('hook.key', 0o600, '')
  expect(await problemsFor(WITH_HOOK)).toEqual([
    '@/site.toml:12:1: error: "@/hook.key" is empty; write it, or take the key out',
  ])
  expect(await problemsFor(WITH_HOOK.replace('hook.key', '.'))).toEqual([
    '@/site.toml:12:1: error: "@" is not a file; name a regular file',
  ])
})

test('a certificate may be read by all, its key and the users may not', async () => {
  secret('a.pem', 0o644)
  secret('key.pem', 0o644)
  secret('users.toml', 0o644)
  const source = `${RIGHT}[http]\ncertificate-file = "a.pem"\nkey-file = "key.pem"\n[console]\nusers-file = "users.toml"\n`
  expect(await problemsFor(source)).toEqual([
    '@/site.toml:12:1: error: "@/key.pem" holds a secret and has mode 0644; take it away from group and others: chmod 600 "@/key.pem"',
    '@/site.toml:14:1: error: "@/users.toml" holds a secret and has mode 0644; take it away from group and others: chmod 600 "@/users.toml"',
  ])
})

test('users that do not exist yet are a doubt only', async () => {
  expect(await problemsFor(`${RIGHT}[console]\nusers-file = "users.toml"\n`)).toEqual([
    '@/site.toml:11:1: warning: "@/users.toml" does not exist; `rackrise user add` makes it; until then `rackrise console link` is the way in',
  ])
})

test('secret files are judged together with the other mistakes, in file order', async () => {
  expect(await problemsFor(`${WITH_HOOK}[log]\nlevle = "info"\n`.replace('10.77.0.254', '10.78.0.254'))).toEqual([
    '@/site.toml:9:1: error: router 10.78.0.254 is not the address of a host in 10.77.0.0/24; machines can reach a router in their own subnet only',
    '@/site.toml:12:1: error: "@/hook.key" does not exist; make it, or correct the path',
    '@/site.toml:14:1: error: unknown key "levle" in [log]; did you mean "level"?',
  ])
})
