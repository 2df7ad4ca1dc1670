/** Which problems `check` tells of which key: found by having it look at sites that are wrong, one thing at a time. */
import { type Path } from '../../services/site/finding.ts'
import { type Environment, examineSite } from '../../services/site/parse.ts'
import type { Draft } from '../../services/site/schema.ts'
import { judgeFile, namedFiles } from '../../services/site/secret-files.ts'
import { changed, machine, NO_INTERFACES, RIGHT, record, withKernelArgument, WITH_PROFILE } from '../site/sites.ts'

const MAC = 'bc:24:11:00:00:01'
const UUID = '4c4c4544-004b-3210-8051-b7c04f583933'
const RULE = '[[rule]]\nprofile = "pve"\n'
const HOOK = '[[webhook]]\nurl = "https://a.example.org/"\n'
const reservation = (...lines: string[]): string => ['[[dhcp.reservation]]', ...lines, ''].join('\n')
const subnet = (prefix: string, ...lines: string[]): string =>
  [`[[dhcp.subnet]]`, `prefix = "${prefix}"`, ...lines, ''].join('\n')
const twice = (part: string): string => part + part

/** Beyond a value that cannot be read, which the schema tells of every key by itself. */
const WRONG_SITES: readonly string[] = [
  `version = 2\n${RIGHT}`,
  changed('address = "10.77.0.1/24"\n', ''),
  changed('10.77.0.1/24', '10.77.0.0/24'),
  changed('10.77.0.1/24', '10.99.0.1/24'),
  changed('rack.test', 'rack.local'),
  changed('rack.test', `${'a'.repeat(60)}.`.repeat(4) + 'test'),
  changed('10.77.0.254', '10.78.0.254'),
  changed('["10.77.0.100-10.77.0.199"]', '["10.77.0.1-10.77.0.9"]'),
  changed('["10.77.0.100-10.77.0.199"]', '["10.78.0.1-10.78.0.9"]'),
  changed('["10.77.0.100-10.77.0.199"]', '["10.77.0.10-10.77.0.29", "10.77.0.20-10.77.0.39"]'),
  changed('pools = ["10.77.0.100-10.77.0.199"]\n', ''),
  changed('router = ', 'relays = ["10.77.0.1"]\nrouter = '),
  `${RIGHT}options = [{ code = 51, type = "uint32", value = 1 }]\n`,
  `${RIGHT}options = [{ code = 121, type = "routes", value = [{ to = "10.80.0.0/16", via = "10.77.0.254" }] }]\n`,
  RIGHT + subnet('10.77.0.128/25'),
  RIGHT + subnet('10.78.0.0/24', 'pools = ["10.78.0.10-10.78.0.20"]'),
  RIGHT + subnet('10.78.0.0/31', 'relays = ["10.78.0.1"]'),
  RIGHT.replace('prefix = "10.77.0.0/24"', 'prefix = "10.77.0.0/23"'),
  `${RIGHT}[dhcp]\nmode = "proxy"\n`,
  `${RIGHT}[dhcp]\nother-servers = ["10.77.0.1"]\n`,
  `${RIGHT}[dhcp]\noptions = [{ code = 3, type = "ipv4", value = ["10.77.0.9"] }]\n`,
  `${RIGHT}[dhcp]\noptions = [{ code = 42, type = "ipv4", value = ["10.77.0.9"] }, { code = 42, type = "ipv4", value = ["10.77.0.8"] }]\n`,
  `${RIGHT}[dns]\nforward = ["10.77.0.1"]\n`,
  `${RIGHT}[dns]\nallow = ["0.0.0.0/0"]\n`,
  RIGHT + record('a b', 'A', '10.77.0.5'),
  RIGHT + record('proxmox-auto-installer', 'TXT', 'x'),
  RIGHT + record('mirror.example.org.', 'A', '10.77.0.5'),
  RIGHT + record('mirror', 'A', 'x'),
  RIGHT + twice(record('mirror', 'A', '10.77.0.5')),
  `${RIGHT}[http]\nport = 443\n`,
  `${RIGHT}[http]\nkey-file = "a.pem"\n`,
  `${RIGHT}[http]\ncertificate-file = "a.pem"\n`,
  `${RIGHT}[console]\nlisten = "10.77.0.1:443"\n`,
  `${RIGHT}[console]\nlisten = "10.0.0.1:8300"\n`,
  `${RIGHT}[store]\nurl = "mysql://a"\n`,
  `${RIGHT}[store]\nurl = "postgres://a:b@c/d"\n`,
  `${RIGHT}[boot]\nunknown = "install"\n`,
  `${RIGHT}[boot]\nrate-limit = "2MiB/s"\ntotal-rate-limit = "1MiB/s"\n`,
  withKernelArgument('a b'),
  withKernelArgument('ip=dhcp'),
  WITH_PROFILE + twice('[[profile]]\nname = "pbs"\niso = "pbs:latest"\n'),
  WITH_PROFILE + twice(machine('node1', MAC, `serial = "1"\nuuid = "${UUID}"\naddress = "10.77.0.20"\n`)),
  WITH_PROFILE + machine('node1', MAC, 'address = "10.79.0.20"\n'),
  WITH_PROFILE + machine('node1', MAC, 'address = "10.77.0.1"\n'),
  WITH_PROFILE + machine('node1', MAC, 'options = [{ code = 51, type = "uint32", value = 1 }]\n'),
  WITH_PROFILE + machine('rack', MAC).replace('"pve"', '"pbs"'),
  WITH_PROFILE + machine('proxmox-auto-installer', MAC),
  WITH_PROFILE + machine('node1', MAC, 'uuid = "03000200-0400-0500-0006-000700080009"\n'),
  `${WITH_PROFILE}${RULE.replace('pve', 'pbs')}when = { mac = "*" }\nname = "node"\napprove = true\n`,
  `${WITH_PROFILE}${RULE}when = { colour = "red" }\n`,
  `${WITH_PROFILE}${RULE}when = { mac = "[" }\n`,
  WITH_PROFILE + twice(`${RULE}when = { mac = "*" }\n`),
  `${RIGHT}[[webhook]]\nurl = "https://a:b@c.example.org/"\n`,
  RIGHT + twice(HOOK),
  RIGHT + reservation('address = "10.77.0.20"'),
  RIGHT + reservation('address = "10.77.0.20"', `mac = "${MAC}"`, 'client-id = "x"'),
  RIGHT + reservation('address = "10.77.0.20"', `mac = "${MAC}"`, 'relay = "10.77.0.2"'),
  RIGHT + reservation('address = "10.77.0.20"', 'circuit-id = "7"', 'relay = "10.77.0.2"'),
  RIGHT + reservation('address = "10.77.0.20"', 'circuit-id = "7"'),
  RIGHT + reservation('address = "10.77.0.1"', `mac = "${MAC}"`, 'name = "proxmox-auto-installer"'),
  RIGHT + reservation('address = "10.79.0.1"', `mac = "${MAC}"`),
  RIGHT + reservation('address = "10.77.0.20"', 'uuid = "03000200-0400-0500-0006-000700080009"'),
  RIGHT +
    reservation('address = "10.77.0.20"', `mac = "${MAC}"`, 'options = [{ code = 1, type = "hex", value = "00" }]'),
  RIGHT + twice(reservation('address = "10.77.0.20"', `mac = "${MAC}"`, 'name = "a1"')),
  RIGHT + twice(reservation('address = "10.77.0.20"', `uuid = "${UUID}"`)),
  RIGHT + twice(reservation('address = "10.77.0.20"', 'client-id = "x"')),
  RIGHT + twice(reservation('address = "10.77.0.20"', 'circuit-id = "x"')),
  RIGHT + reservation('address = "10.77.0.20"', `mac = "${MAC}"`) + '[dhcp]\nmode = "proxy"\n',
]

/** A site with every key that names a file. */
const WITH_FILES = `${RIGHT}[http]\ncertificate-file = "a"\nkey-file = "b"\nanswer-token-file = "c"\n[console]\nusers-file = "d"\n${HOOK}secret-file = "e"\nca-file = "f"\n`
const OPEN_FILE = { isFile: true, mode: 0o644, size: 1, uid: 0 }
const NO_FILE = { error: 'ENOENT' }

function nameOf(path: Path): string {
  return path.filter(part => typeof part === 'string').join('.')
}

const look = (source: string, environment: Environment = NO_INTERFACES) => examineSite(source, 's.toml', environment)

/** Keys that name a file which holds a secret. */
export function secretKeys(): Set<string> {
  const { draft, base } = look(WITH_FILES)
  return new Set(
    namedFiles(draft as Draft, base)
      .filter(({ isSecret }) => isSecret)
      .map(({ path }) => nameOf(path)),
  )
}

/** By dotted name of the key, or of the table that lacks something. */
export function siteProblems(): Map<string, Set<string>> {
  const { draft, base } = look(WITH_FILES)
  const ofFiles = namedFiles(draft as Draft, base).flatMap(named =>
    [OPEN_FILE, NO_FILE].flatMap(state => judgeFile(named, state)),
  )
  const problems = new Map<string, Set<string>>()
  for (const { path, code } of [...WRONG_SITES.flatMap(source => look(source).findings), ...ofFiles]) {
    const name = nameOf(path)
      .replace(/(\.options)\..*$/, '$1')
      .replace(/(\.when)\..*$/, '$1')
    problems.set(name, (problems.get(name) ?? new Set()).add(code))
  }
  return problems
}
