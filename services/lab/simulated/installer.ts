/**
 * The Proxmox installer 9.2.7 in automated mode, as far as a server notices: what it asks for, in which order, how often, how long,
 * and what it refuses. Whatever fails here leaves a real machine in a shell.
 */
import { ipv4FromBytes, ipv4ToNumber, LIMITED_BROADCAST } from '../../kit/ipv4.ts'
import { readAnswer, type Answer, type Delivery } from './answer-file.ts'
import { findAnswer, MODE_FILE, readMode, type AnswerSource, type Read } from './answer-source.ts'
import type { DhcpResult, Lease } from './dhcp-client.ts'
import { OPTION, textOption } from './dhcp-message.ts'
import type { DnsTools } from './dns-client.ts'
import { exchange, type Exchanged, type HttpTools } from './http-client.ts'
import { installationReport, readRelease, systemInformation, type Hardware, type Release } from './reports.ts'

export const CD_INFO = '.cd-info'
/** Files of the ISO's root that the simulated installer reads. */
export const WANTED_FILES = [MODE_FILE, CD_INFO]

const AGENT = 'ureq/3.0.11'
const LARGEST_ANSWER_BYTES = 10 * 1024 * 1024
/** The real one cuts a longer script without a word and runs it so; here it is an error. */
const LARGEST_SCRIPT_BYTES = 1024 * 1024
const OPTION_SUBNET_MASK = 1
const AUTO_WORDS = ['proxmox-start-auto-installer', 'proxauto']
const TUI_WORDS = ['proxmox-tui-mode', 'proxtui']

export type InstallerWorld = {
  machine: Hardware
  dhcp: () => Promise<DhcpResult>
  /** Sockets of the machine's address; the names in URLs are asked for at the lease's resolvers. */
  http: (lease: Lease) => HttpTools
  dns: (lease: Lease) => (servers: DnsTools['servers']) => DnsTools
  /** 60 s in the real one: everything together, once. */
  requestLimitMs: number
  report: (stage: 'dhcp' | 'answer' | 'installing') => void
  /** Partitions and copies; the disk can be booted when it resolves. Rejects nothing: it resolves to false when the power went. */
  install: () => Promise<boolean>
}

export type InstallResult = { ok: true } | { ok: false; why: string } | { ok: false; powerLost: true }

const refuse = (why: string): { ok: false; why: string } => ({ ok: false, why })

/** What keeps the kernel command line from an unattended installation. */
export function objectionToArgs(args: string): string | undefined {
  const words = args.split(/\s+/)
  if (words.some(word => TUI_WORDS.includes(word)))
    return 'the kernel command line starts the text installer, which waits for a person'
  if (!words.some(word => AUTO_WORDS.includes(word)))
    return 'the kernel command line does not start the automated installer'
  return undefined
}

/** 64 hex digits in any case with colons anywhere; other hex never matches, other text is an error. */
export function readFingerprint(text: string | undefined): Read<{ fingerprint?: string }> {
  if (text === undefined) return { ok: true }
  const hex = text.replaceAll(':', '').toLowerCase()
  if (hex.length % 2 !== 0 || !/^[0-9a-f]*$/.test(hex))
    return { ok: false, reason: `fingerprint ${text} is not hexadecimal` }
  return { ok: true, fingerprint: hex }
}

function readUrl(text: string): Read<{ url: URL }> {
  const url = /[\s\\]/.test(text) ? undefined : URL.parse(text)
  if (!url || !['http:', 'https:'].includes(url.protocol))
    return { ok: false, reason: `"${text}" is no address that can be asked` }
  if (url.protocol === 'https:' && url.hostname.startsWith('['))
    return { ok: false, reason: 'invalid dns name: https with an IPv6 address' }
  return { ok: true, url }
}

type Call = {
  to: Delivery
  method: 'GET' | 'POST'
  accept: string
  token?: string
  body?: unknown
  largestBytes: number
}

async function call(world: InstallerWorld, lease: Lease, wanted: Call): Promise<Exchanged> {
  const url = readUrl(wanted.to.url)
  if (!url.ok) return url
  const pin = readFingerprint(wanted.to.fingerprint)
  if (!pin.ok) return pin
  const body = wanted.body === undefined ? undefined : Buffer.from(JSON.stringify(wanted.body))
  const headers: Record<string, string> = {
    'accept-encoding': 'gzip',
    ...(body ? { 'content-length': String(body.length) } : {}),
    'user-agent': AGENT,
    ...(body ? {} : { accept: wanted.accept }),
    host: url.url.host,
    ...(body ? { 'content-type': 'application/json; charset=utf-8', accept: wanted.accept } : {}),
    ...(wanted.token === undefined ? {} : { authorization: `Bearer ${wanted.token}` }),
  }
  return exchange(world.http(lease), {
    method: wanted.method,
    url: url.url,
    headers,
    limitMs: world.requestLimitMs,
    largestBytes: wanted.largestBytes,
    ...(pin.fingerprint === undefined ? {} : { fingerprint: pin.fingerprint }),
    ...(body ? { body } : {}),
  })
}

function oneLine(body: Buffer): string {
  return body.toString('utf8').trim().replace(/\s+/g, ' ').slice(0, 300)
}

/** Exactly 200 and 201 are success since 9.2.0; of anything else status and body stand on the machine's screen. */
function objectionToStatus(answer: Extract<Exchanged, { ok: true }>): string | undefined {
  return [200, 201].includes(answer.status) ? undefined : `http error: ${answer.status}: ${oneLine(answer.body)}`
}

async function fetchAnswer(
  world: InstallerWorld,
  lease: Lease,
  source: AnswerSource,
  release: Release,
): Promise<Read<{ answer: Answer }>> {
  const response = await call(world, lease, {
    to: source,
    method: 'POST',
    accept: 'application/json, application/toml;q=0.5',
    body: systemInformation(world.machine, release),
    largestBytes: LARGEST_ANSWER_BYTES,
    ...(source.token === undefined ? {} : { token: source.token }),
  })
  if (!response.ok) return response
  const wrong = objectionToStatus(response)
  if (wrong !== undefined) return { ok: false, reason: wrong }
  if (response.body.length === 0) return { ok: false, reason: 'the answer is empty' }
  const [hostName, domain] = [
    textOption(lease.reply, OPTION.hostName),
    textOption(lease.reply, OPTION.domain)?.split(' ')[0],
  ]
  const names = { ...(hostName === undefined ? {} : { hostName }), ...(domain === undefined ? {} : { domain }) }
  return readAnswer(response.body.toString('utf8'), response.contentType, names)
}

async function fetchFirstBoot(world: InstallerWorld, lease: Lease, from: Delivery): Promise<string | undefined> {
  const response = await call(world, lease, {
    to: from,
    method: 'GET',
    accept: '*/*',
    largestBytes: LARGEST_SCRIPT_BYTES,
  })
  if (!response.ok) return `first-boot script: ${response.reason}`
  if (response.status >= 400) return `first-boot script: http status: ${response.status}`
  return response.body.length === 0 ? 'first-boot script: it is empty' : undefined
}

function maskBitsOf(lease: Lease): number {
  const mask = ipv4FromBytes(lease.reply.options.get(OPTION_SUBNET_MASK) ?? new Uint8Array()) ?? LIMITED_BROADCAST
  return ipv4ToNumber(mask).toString(2).replaceAll('0', '').length
}

async function postReport(
  world: InstallerWorld,
  lease: Lease,
  answer: Answer,
  release: Release,
): Promise<string | undefined> {
  if (!answer.webhook) return undefined
  const body = installationReport(world.machine, release, answer, lease.address, maskBitsOf(lease))
  const response = await call(world, lease, {
    to: answer.webhook,
    method: 'POST',
    accept: '*/*',
    body,
    largestBytes: LARGEST_ANSWER_BYTES,
  })
  const wrong = response.ok ? objectionToStatus(response) : response.reason
  return wrong === undefined ? undefined : `webhook: ${wrong}`
}

/** The whole run, from the booted kernel to the reboot. Everything that fails says why in one line. */
export async function runInstaller(
  world: InstallerWorld,
  args: string,
  files: Map<string, Uint8Array>,
): Promise<InstallResult> {
  const wrong = objectionToArgs(args)
  if (wrong !== undefined) return refuse(wrong)
  world.report('dhcp')
  const leased = await world.dhcp()
  if (!leased.ok) return refuse(leased.reason)
  const mode = readMode(files.get(MODE_FILE))
  if (!mode.ok) return refuse(mode.reason)
  world.report('answer')
  const found = await findAnswer(mode.mode, leased.lease.reply, world.dns(leased.lease))
  if (!found.ok) return refuse(found.reason)
  const release = readRelease(files.get(CD_INFO))
  const answered = await fetchAnswer(world, leased.lease, found.source, release)
  if (!answered.ok) return refuse(`answer: ${answered.reason}`)
  return installAs(world, leased.lease, answered.answer, release)
}

async function installAs(
  world: InstallerWorld,
  lease: Lease,
  answer: Answer,
  release: Release,
): Promise<InstallResult> {
  const unfetched = answer.firstBoot && (await fetchFirstBoot(world, lease, answer.firstBoot))
  if (unfetched !== undefined) return refuse(unfetched)
  world.report('installing')
  if (!(await world.install())) return { ok: false, powerLost: true }
  const unreported = await postReport(world, lease, answer, release)
  return unreported === undefined ? { ok: true } : refuse(unreported)
}
