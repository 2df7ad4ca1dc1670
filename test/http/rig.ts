/** The real servers on loopback, with a fleet on a real store, a small real ISO, and clients that stand at any address of 127.0.0.0/8. */
import { readFileSync, readlinkSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type IncomingHttpHeaders, type RequestOptions, request as plainRequest } from 'node:http'
import { request as tlsRequest } from 'node:https'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Passwords } from '../../services/answer/passwords.ts'
import { loadLayers } from '../../services/answer/load.ts'
import { listLoaders } from '../../services/boot/load.ts'
import { urlsOf } from '../../services/boot/urls.ts'
import type { HttpContext } from '../../services/http/context.ts'
import { httpCounts } from '../../services/http/counts.ts'
import { ServedCertificate } from '../../services/http/served-certificate.ts'
import { type HttpLimits, startHttp } from '../../services/http/server.ts'
import { openCatalogue } from '../../services/iso/catalogue.ts'
import { Alarms } from '../../services/kit/alarms.ts'
import type { Ipv4 } from '../../services/kit/ipv4.ts'
import type { Mac } from '../../services/kit/mac.ts'
import { openNativeSocket } from '../../services/kit/native-socket.ts'
import { buildStandIn } from '../../services/lab/stand-in/build.ts'
import type { AttemptId, Fact } from '../../services/machine/event.ts'
import type { Machine } from '../../services/machine/lifecycle.ts'
import { Registry } from '../../services/machine/registry.ts'
import { loadKey } from '../../services/store/key.ts'
import type { PasswordStore } from '../../services/store/types.ts'
import { openStore } from '../../services/store/store.ts'
import type { DocumentStore } from '../../services/store/types.ts'
import { FakeClock } from '../fake/clock.ts'
import { FakeMeter } from '../fake/meter.ts'
import { HeardLog, NODE1, siteOf } from '../machine/rig.ts'

/** Where node1 stands, and where somebody else does. */
export const HERE = '127.0.0.11' as Ipv4
export const ELSEWHERE = '127.0.0.66' as Ipv4

export const LAYER = `[global]
keyboard = "en-us"
country = "at"
timezone = "Europe/Vienna"
mailto = "root@{{site.domain}}"
root-password-hashed = "$6$salt$R4oO3zZ1PaiVFkqdqBaDKLTa6YkJH0f4nQgBFrXg1vgNM6yNh9rnnDZYBM2rO9CFK.2rwvFdSeybQtSCkHqvk1"
[network]
source = "from-dhcp"
[disk-setup]
filesystem = "ext4"
disk-list = ["sda"]
`

function siteText(folder: string, more: string): string {
  return `[site]
domain = "rack.test"
[network]
interface = "eth1"
address = "10.77.0.1/24"
[[dhcp.subnet]]
prefix = "10.77.0.0/24"
pools = ["10.77.0.100-10.77.0.199"]
[paths]
isos = "${folder}/isos"
answers = "${folder}/answers"
state = "${folder}/state"
[[profile]]
name = "pve"
iso = "pve:9.2"
answers = ["base"]
kernel-args = ["console=ttyS0,115200"]
first-boot = "setup.sh"
[[machine]]
name = "node1"
mac = ["${NODE1}"]
profile = "pve"
${more}`
}

export type RigOptions = {
  /** Files of the loaders folder beside `snponly.efi`. */
  loaders?: string[]
  /** Behind node1 in the site file. */
  more?: string
  /** Text of `[dhcp]`, before the subnet. */
  dhcp?: string
  /** Keys of `[http]`; `@` is the rig's folder. */
  http?: string
  releases?: string[]
  /** Of the profile. */
  iso?: string
  limits?: HttpLimits
}

export type Reply = { status: number; headers: IncomingHttpHeaders; body: Buffer; text: string }

export type Ask = { method?: string; from?: Ipv4; headers?: Record<string, string>; body?: string | Uint8Array }

/** The port that a listening descriptor has, as the kernel lists it. */
function portOf(descriptor: number): number {
  const inode = /\[(\d+)\]/.exec(readlinkSync(`/proc/self/fd/${descriptor}`))![1]
  const row = readFileSync('/proc/self/net/tcp', 'utf8')
    .split('\n')
    .map(line => line.trim().split(/\s+/))
    .find(columns => columns[9] === inode)
  return Number.parseInt(row![1]!.split(':')[1]!, 16)
}

function ask(
  secure: boolean,
  port: number,
  path: string,
  { method = 'GET', from = HERE, headers = {}, body }: Ask,
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const common: RequestOptions = { host: '127.0.0.1', port, path, method, headers, localAddress: from, agent: false }
    const call = secure ? tlsRequest({ ...common, rejectUnauthorized: false }) : plainRequest(common)
    call.on('error', reject)
    call.on('response', response => {
      const parts: Buffer[] = []
      response.on('data', (part: Buffer) => parts.push(part))
      response.on('error', reject)
      response.on('end', () => {
        const whole = Buffer.concat(parts)
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: whole,
          text: whole.toString('utf8'),
        })
      })
    })
    call.end(body)
  })
}

/** What comes back for bytes that no client library would send; resolves when the server closes, politely or not. */
export function sendRaw(port: number, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = []
    const socket = connect({ host: '127.0.0.1', port, localAddress: HERE })
    socket.on('data', (part: Buffer) => parts.push(part))
    socket.on('error', (error: NodeJS.ErrnoException) =>
      error.code === 'ECONNRESET' || error.code === 'EPIPE' ? undefined : reject(error),
    )
    socket.on('close', () => resolve(Buffer.concat(parts).toString('latin1')))
    socket.write(bytes, 'latin1')
  })
}

export class Rig {
  /** Who holds which address; node1 holds HERE. */
  readonly holders = new Map<Ipv4, Mac>([[HERE, NODE1]])
  readonly clock = new FakeClock()
  readonly log = new HeardLog()
  readonly alarms = new Alarms(this.clock)
  readonly meter = new FakeMeter()
  folder = ''
  ports = { plain: 0, tls: 0 }
  context!: HttpContext
  passwords!: PasswordStore
  documents!: DocumentStore
  certificate!: ServedCertificate
  close!: () => Promise<void>

  static async start(options: RigOptions = {}): Promise<Rig> {
    const rig = new Rig()
    rig.folder = await mkdtemp(join(tmpdir(), 'rackrise-http-'))
    const { folder } = rig
    for (const name of ['isos', 'answers', 'loaders']) await mkdir(join(folder, name))
    for (const name of ['snponly.efi', ...(options.loaders ?? [])])
      await writeFile(join(folder, 'loaders', name), 'a loader')
    await writeFile(join(folder, 'answers', 'base.toml'), LAYER)
    await writeFile(join(folder, 'answers', 'setup.sh'), '#!/bin/sh\necho hello\n')
    for (const release of options.releases ?? ['9.2'])
      await buildStandIn({ folder: join(folder, 'isos'), kind: 'small', release })
    await rig.#serve(options)
    return rig
  }

  async #serve({ more = '', dhcp = '', http: keys = '', iso = 'pve:9.2', limits }: RigOptions): Promise<void> {
    const { folder, clock, log } = this
    const site = siteOf(
      '',
      siteText(folder, `${more}[http]\n${keys.replace('@', folder)}\n`)
        .replace('[[dhcp.subnet]]', `${dhcp}\n[[dhcp.subnet]]`)
        .replace('pve:9.2', iso),
    )
    const store = await openStore(site.paths.state)
    this.passwords = store.passwords
    const key = await loadKey(site.paths.state)
    const registry = await Registry.open({
      site,
      store: store.events,
      key,
      clock,
      log,
    })
    this.documents = store.documents
    this.certificate = await ServedCertificate.open({ site, clock, log, alarms: this.alarms })
    this.context = {
      site,
      registry,
      catalogue: await openCatalogue(site.paths.isos, log),
      layers: () => loadLayers(site.paths.answers),
      certificate: this.certificate,
      passwords: new Passwords({ store: store.passwords, key, clock }),
      documents: store.documents,
      urls: urlsOf(site),
      clock,
      log,
      alarms: this.alarms,
      counts: httpCounts(this.meter),
      macAt: address => this.holders.get(address),
    }
    const plainSocket = openNativeSocket('tcp', { address: '127.0.0.1' as Ipv4, port: 0 })
    const tlsSocket = openNativeSocket('tcp', { address: '127.0.0.1' as Ipv4, port: 0 })
    this.ports = { plain: portOf(plainSocket), tls: portOf(tlsSocket) }
    const loaders = await listLoaders(join(folder, 'loaders'))
    const http = await startHttp({
      context: this.context,
      loaders,
      plainSocket,
      tlsSocket,
      ...(limits ? { limits } : {}),
    })
    const stop = async (): Promise<void> => {
      await http.close()
      await store.close()
      await rm(folder, { recursive: true })
    }
    let stopped: Promise<void> | undefined
    this.close = () => (stopped ??= stop())
  }

  get registry(): Registry {
    return this.context.registry
  }

  get node1(): Machine {
    return this.registry.byMac(NODE1)!
  }

  get attempt(): AttemptId {
    return this.node1.attempt!.id
  }

  plain(path: string, how: Ask = {}): Promise<Reply> {
    return ask(false, this.ports.plain, path, how)
  }

  tls(path: string, how: Ask = {}): Promise<Reply> {
    return ask(true, this.ports.tls, path, how)
  }

  /** A boot script as iPXE asks for it, by node1 unless said otherwise. */
  script(more = '', how: Ask & { mac?: string } = {}): Promise<Reply> {
    return this.plain(`/boot.ipxe?mac=${how.mac ?? NODE1}${more}`, how)
  }

  async approve(again = false): Promise<AttemptId> {
    const attempt = await this.registry.startAttempt(this.node1, { by: 'operator', again })
    if (typeof attempt !== 'string') throw new Error(attempt.message)
    return attempt
  }

  async happen(...facts: Fact[]): Promise<void> {
    for (const fact of facts) await this.registry.record(this.node1.id, fact, 'http')
  }

  async types(): Promise<string[]> {
    return (await this.registry.timeline(this.node1.id, 0, 1000)).map(
      event => event.type + (event.anomaly ? ' (anomaly)' : ''),
    )
  }

  token(purpose: 'answer' | 'webhook' | 'first-boot' | 'bearer'): string {
    return this.registry.token(this.attempt, purpose)
  }

  /** Brings node1 into a state, by the facts that lead there. */
  async bring(state: Machine['state']): Promise<void> {
    if (state === 'held') return
    const attempt = await this.approve()
    const facts: Record<string, Fact[]> = {
      approved: [],
      booting: [SCRIPT(attempt)],
      installing: [SCRIPT(attempt), ANSWER(attempt)],
      installed: [SCRIPT(attempt), ANSWER(attempt), { type: 'reported', attempt, installed: {} }],
      failed: [SCRIPT(attempt), { type: 'gave-up', attempt, reason: 'no disk' }],
      stalled: [SCRIPT(attempt), { type: 'stalled', attempt, silentSeconds: 1200, stage: 'ipxe' }],
      blocked: [{ type: 'blocked' }],
    }
    await this.happen(...facts[state]!)
  }
}

const SCRIPT = (attempt: AttemptId): Fact => ({ type: 'script-served', attempt, address: HERE, resumed: false })
const ANSWER = (attempt: AttemptId): Fact => ({
  type: 'answer-served',
  attempt,
  address: HERE,
  layers: ['base'],
  sha256: 'ab',
  leftOut: [],
  withToken: true,
})
