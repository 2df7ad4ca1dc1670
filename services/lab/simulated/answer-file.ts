/** What the simulated installer needs of an answer file, and what it refuses in one. A thin reading, apart from the appliance's validator. */
import { readToml, type Read } from './answer-source.ts'

export type Delivery = { url: string; fingerprint?: string }

export type Answer = {
  fqdn: string
  rebootMode: 'reboot' | 'power-off'
  filesystem: string
  webhook?: Delivery & { token?: string }
  firstBoot?: Delivery
}

/** What DHCP told, for an FQDN that is to come from there. */
export type DhcpNames = { hostName?: string; domain?: string }

type Table = Record<string, unknown>

const TABLES = ['global', 'network', 'disk-setup', 'post-installation-webhook', 'first-boot']
const REQUIRED_TEXTS = ['keyboard', 'country', 'mailto', 'timezone']
/** Since 8.4 both spellings of a key are read. */
const snake = (key: string) => key.replaceAll('-', '_')

function table(value: unknown): Table | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Table) : undefined
}

function get(from: Table, key: string): unknown {
  return from[key] ?? from[snake(key)]
}

function text(from: Table, key: string): string | undefined {
  const value = get(from, key)
  return typeof value === 'string' ? value : undefined
}

function readFqdn(global: Table, names: DhcpNames): string | undefined {
  const fqdn = get(global, 'fqdn')
  if (typeof fqdn === 'string') return fqdn
  const from = table(fqdn)
  const domain = (from && text(from, 'domain')) || names.domain
  return from && names.hostName && domain ? `${names.hostName}.${domain}` : undefined
}

function objection(answer: Table): string | undefined {
  const unknown = Object.keys(answer).find(key => !TABLES.includes(key))
  if (unknown !== undefined) return `unknown field ${unknown}`
  const [global, network, disks] = ['global', 'network', 'disk-setup'].map(key => table(answer[key]))
  if (!global) return 'missing table [global]'
  if (!network) return 'missing table [network]'
  if (!disks) return 'missing table [disk-setup]'
  const missing = REQUIRED_TEXTS.find(key => text(global, key) === undefined)
  if (missing !== undefined) return `[global] has no ${missing}`
  const passwords = ['root-password', 'root-password-hashed'].filter(key => text(global, key) !== undefined)
  if (passwords.length !== 1) return '[global] needs exactly one of root-password and root-password-hashed'
  if (!['from-dhcp', 'from-answer'].includes(text(network, 'source') ?? '')) return '[network] has no valid source'
  if (text(disks, 'filesystem') === undefined) return '[disk-setup] has no filesystem'
  if (get(disks, 'disk-list') === undefined && disks['filter'] === undefined) return '[disk-setup] names no disk'
  return undefined
}

function readDelivery(from: Table | undefined): (Delivery & { token?: string }) | undefined {
  const url = from && text(from, 'url')
  if (!from || url === undefined) return undefined
  const [fingerprint, token] = [text(from, 'cert-fingerprint'), text(from, 'auth-token')]
  return { url, ...(fingerprint === undefined ? {} : { fingerprint }), ...(token === undefined ? {} : { token }) }
}

function readJson(text: string): Read<{ table: Table }> {
  try {
    const value = table(JSON.parse(text))
    return value ? { ok: true, table: value } : { ok: false, reason: 'the JSON is no object' }
  } catch {
    return { ok: false, reason: 'not JSON' }
  }
}

/** Since 9.2.0 a body of this type is JSON; the comparison knows one case only. Any other is taken as TOML. */
function readBody(body: string, contentType: string): Read<{ table: Table }> {
  return contentType.startsWith('application/json') ? readJson(body) : readToml(body)
}

/** Reads an answer as it came over HTTP. */
export function readAnswer(body: string, contentType: string, names: DhcpNames): Read<{ answer: Answer }> {
  const read = readBody(body, contentType)
  if (!read.ok) return { ok: false, reason: `answer file: ${read.reason}` }
  const wrong = objection(read.table)
  if (wrong !== undefined) return { ok: false, reason: `answer file: ${wrong}` }
  const global = table(read.table['global'])!
  const fqdn = readFqdn(global, names)
  if (fqdn === undefined) return { ok: false, reason: 'answer file: no FQDN, neither in it nor from DHCP' }
  const webhook = readDelivery(table(read.table['post-installation-webhook']))
  const firstBoot = readDelivery(table(read.table['first-boot']))
  return {
    ok: true,
    answer: {
      fqdn,
      rebootMode: text(global, 'reboot-mode') === 'power-off' ? 'power-off' : 'reboot',
      filesystem: text(table(read.table['disk-setup'])!, 'filesystem')!,
      ...(webhook ? { webhook } : {}),
      ...(firstBoot ? { firstBoot } : {}),
    },
  }
}
