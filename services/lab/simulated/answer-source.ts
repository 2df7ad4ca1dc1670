/**
 * Where the installer finds its answer: the mode file in the ISO, then options 250 and 251, then two TXT records. The ways in which
 * installer 9.2.7 misreads what it is given are kept, since a server has to live with them.
 */
import { parse } from 'smol-toml'
import { addressesOption, OPTION, searchList, textOption, type Reply } from './dhcp-message.ts'
import { askDns, printTxt, TYPE, type DnsTools } from './dns-client.ts'

export const MODE_FILE = 'auto-installer-mode.toml'
const TXT_URL = 'proxmox-auto-installer'
const TXT_FINGERPRINT = 'proxmox-auto-installer-cert-fingerprint'

export type Mode = { url?: string; fingerprint?: string; token?: string }

export type AnswerSource = { url: string; fingerprint?: string; token?: string; from: 'iso' | 'dhcp' | 'dns' }

export type Read<T> = ({ ok: true } & T) | { ok: false; reason: string }

function fail(reason: string): { ok: false; reason: string } {
  return { ok: false, reason }
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** TOML as a table, or what is wrong with it in one line. */
export function readToml(text: string): Read<{ table: Record<string, unknown> }> {
  try {
    return { ok: true, table: parse(text) }
  } catch (error) {
    return fail(error instanceof Error ? error.message.split('\n')[0]! : 'not TOML')
  }
}

/** The mode file. Its top level refuses unknown keys, its `http` table does not; only mode `http` asks a server. */
export function readMode(bytes: Uint8Array | undefined): Read<{ mode: Mode }> {
  if (!bytes) return fail(`the ISO has no /${MODE_FILE}: a stock ISO opens a shell instead of asking for an answer`)
  const read = readToml(Buffer.from(bytes).toString('utf8'))
  if (!read.ok) return fail(`${MODE_FILE}: ${read.reason}`)
  const { mode, partition_label, http = {}, ...unknown } = read.table
  if (Object.keys(unknown).length > 0) return fail(`${MODE_FILE}: unknown field ${Object.keys(unknown)[0]}`)
  if (mode !== 'http') return fail(`${MODE_FILE}: mode is ${String(mode)}, so no server is asked`)
  if (partition_label !== undefined && typeof partition_label !== 'string')
    return fail(`${MODE_FILE}: partition_label is no text`)
  if (!isTable(http)) return fail(`${MODE_FILE}: http is no table`)
  const text = (key: string) => (typeof http[key] === 'string' ? http[key] : undefined)
  const [url, fingerprint, token] = [text('url'), text('cert_fingerprint'), text('token')]
  return {
    ok: true,
    mode: {
      ...(url === undefined ? {} : { url }),
      ...(fingerprint ? { fingerprint } : {}),
      ...(token ? { token } : {}),
    },
  }
}

/** dhclient writes text options between quotes; these characters get a backslash, unprintable ones an octal number. */
function writeLeaseText(value: Uint8Array): string {
  return Array.from(value, octet => {
    const character = String.fromCharCode(octet)
    if (octet < 0x20 || octet > 0x7e) return `\\${octet.toString(8).padStart(3, '0')}`
    return `"'\`$\\|&`.includes(character) ? `\\${character}` : character
  }).join('')
}

/** The installer's reading of that line: what follows the last blank, without its first and its last two characters. */
export function readLeaseText(value: Uint8Array): string {
  const line = `option name "${writeLeaseText(value)}";`
  return line.slice(line.lastIndexOf(' ') + 1).slice(1, -2)
}

/** The `search` line that Debian's dhclient hook writes: option 119, with option 15 before it unless it is in there. */
export function searchLine(lease: Reply): string {
  const list = searchList(lease.options.get(OPTION.domainSearch) ?? new Uint8Array())
  const domain = textOption(lease, OPTION.domain)
  return (domain === undefined || list.includes(domain) ? list : [domain, ...list]).join(' ')
}

async function readTxt(dns: DnsTools, name: string): Promise<Read<{ value: string }>> {
  const asked = await askDns(dns, name, TYPE.txt)
  if (!asked.ok) return asked
  // `dig +short` prints every record on a line of its own, a CNAME too; the installer takes all of it.
  const printed = asked.answers.map(({ type, data }) => (type === TYPE.txt ? printTxt(data) : '(a CNAME)'))
  if (printed.length > 1) return fail(`DNS: ${name} has ${printed.length} records; the installer can read one`)
  return { ok: true, value: (printed[0] ?? '').trim() }
}

async function fromDns(lease: Reply, mode: Mode, dns: DnsTools): Promise<Read<{ source: AnswerSource }>> {
  const search = searchLine(lease)
  if (search === '') return fail('no option 250, and no search domain to ask DNS in (options 15 and 119)')
  if (search.includes(' ')) return fail(`no option 250, and two search domains (${search}) make no name to ask DNS for`)
  const url = await readTxt(dns, `${TXT_URL}.${search}`)
  if (!url.ok) return url
  if (url.value === '') return fail(`no option 250 and no TXT record ${TXT_URL}.${search}`)
  if (mode.fingerprint !== undefined)
    return { ok: true, source: { url: url.value, fingerprint: mode.fingerprint, from: 'dns' } }
  const pin = await readTxt(dns, `${TXT_FINGERPRINT}.${search}`)
  if (!pin.ok) return pin
  return { ok: true, source: { url: url.value, ...(pin.value === '' ? {} : { fingerprint: pin.value }), from: 'dns' } }
}

function fromDhcp(lease: Reply, mode: Mode): AnswerSource | undefined {
  const url = lease.options.get(OPTION.answerUrl)
  if (!url) return undefined
  const option = lease.options.get(OPTION.fingerprint)
  const fingerprint = mode.fingerprint ?? (option && readLeaseText(option))
  return { url: readLeaseText(url), ...(fingerprint === undefined ? {} : { fingerprint }), from: 'dhcp' }
}

/** The first of mode file, DHCP and DNS that has a URL. A token comes from the mode file only. */
export async function findAnswer(
  mode: Mode,
  lease: Reply,
  dns: (servers: ReturnType<typeof addressesOption>) => DnsTools,
) {
  const token = mode.token === undefined ? {} : { token: mode.token }
  if (mode.url !== undefined) {
    const fingerprint = mode.fingerprint === undefined ? {} : { fingerprint: mode.fingerprint }
    return { ok: true as const, source: { url: mode.url, ...fingerprint, ...token, from: 'iso' as const } }
  }
  const dhcp = fromDhcp(lease, mode)
  const found: Read<{ source: AnswerSource }> = dhcp
    ? { ok: true, source: dhcp }
    : await fromDns(lease, mode, dns(addressesOption(lease, OPTION.dns)))
  return found.ok ? { ok: true as const, source: { ...found.source, ...token } } : found
}
