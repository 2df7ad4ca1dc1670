#!/usr/bin/env node
/** The composition root: the only file that wires rooms together. Run as a program it is the `rackrise` command. */
import { createServer, type Server } from 'node:net'
import { unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { loadLayers } from './answer/load.ts'
import { listLoaders, type Loaders } from './boot/load.ts'
import { COMMON_LOADERS } from './boot/plan.ts'
import { type Urls, urlsOf } from './boot/urls.ts'
import { addApi, CONTROL_SOCKET } from './console/api.ts'
import { localFleet } from './console/fleet.ts'
import { isListening } from './console/remote-fleet.ts'
import { registryFleet } from './dhcp/registry-fleet.ts'
import { type DhcpServer, startDhcp } from './dhcp/server.ts'
import { registryDnsView } from './dns/registry-view.ts'
import { type DnsServer, startDns } from './dns/server.ts'
import { type Certificate, loadCertificate } from './http/certificate.ts'
import { buildApp, closeApp, type HttpServer, startHttp } from './http/server.ts'
import { type IsoCatalogue, openCatalogue } from './iso/catalogue.ts'
import { handedSockets } from './kit/activation.ts'
import type { Clock } from './kit/clock.ts'
import type { Ipv4 } from './kit/ipv4.ts'
import type { Log } from './kit/log.ts'
import type { Mac } from './kit/mac.ts'
import { EnvironmentProblem, formatProblem } from './kit/problem.ts'
import { openUdpPort } from './kit/udp-port.ts'
import { openSockets, type Sockets } from './kit/sockets.ts'
import { Registry } from './machine/registry.ts'
import type { Site } from './site/types.ts'
import { loadKey } from './store/key.ts'
import { openStore, type Store } from './store/store.ts'
import { registryTftpTell } from './tftp/registry-tell.ts'
import { openLoaderFile } from './tftp/load.ts'
import { startTftp, type TftpServer } from './tftp/server.ts'

export type Appliance = {
  registry: Registry
  /** SHA-256 of the certificate of the TLS port, 64 hexadecimal digits. */
  fingerprint: string
  stop(): Promise<void>
}

export type ApplianceOptions = { log: Log; clock: Clock }

/** How often the clock is asked about machines that fell silent, and the ISO folder about new files. */
const SWEEP_MS = 5_000
const RESCAN_MS = 30_000
/** Ethernet's; TFTP blocks are clamped to it. */
const MTU_BYTES = 1500

/** What the services stand on. */
type Ground = {
  site: Site
  store: Store
  registry: Registry
  catalogue: IsoCatalogue
  certificate: Certificate
  loaders: Loaders
  urls: Urls
  log: Log
  clock: Clock
}

async function openGround(site: Site, { log, clock }: ApplianceOptions): Promise<Ground> {
  if (site.store.url !== 'sqlite') {
    throw new EnvironmentProblem('store-unavailable', 'store.url names PostgreSQL, which is not available in this version', 'set store.url to "sqlite"')
  }
  const control = join(site.paths.state, CONTROL_SOCKET)
  if (await isListening(control)) {
    throw new EnvironmentProblem('already-running', `an appliance with the state folder ${site.paths.state} is running`, 'stop it first, or set another paths.state')
  }
  const loaders = await listLoaders(site.boot.loaders)
  const missing = COMMON_LOADERS.filter(name => !loaders.has(name))
  if (missing.length > 0) {
    throw new EnvironmentProblem('loaders-missing', `${site.boot.loaders} has no ${missing.join(' and no ')}`, 'install them with `apt-get install ipxe`, or set boot.loaders to a folder that has them')
  }
  const store = await openStore(site.paths.state)
  try {
    const certificate = await loadCertificate(site)
    const catalogue = await openCatalogue(site.paths.isos, log)
    for (const problem of [...catalogue.problems(), ...(await loadLayers(site.paths.answers)).problems]) {
      log.warn({ code: problem.code }, formatProblem(problem))
    }
    const key = await loadKey(site.paths.state)
    const registry = await Registry.open({ site, store: store.events, key, clock, log })
    return { site, store, registry, catalogue, certificate, loaders, urls: urlsOf(site), log, clock }
  } catch (error) {
    await store.close()
    throw error
  }
}

type Services = { dhcp?: DhcpServer; dns: DnsServer; dnsTcp: Server; tftp: TftpServer; http: HttpServer }

function serveDhcp(ground: Ground, sockets: Sockets): Promise<DhcpServer> | undefined {
  const { site, store, registry, urls, certificate, log, clock } = ground
  if (!sockets.dhcp) return undefined
  const fleet = registryFleet({ registry, site, urls, fingerprint: certificate.fingerprint, log })
  return startDhcp({ port: sockets.dhcp, site, httpPort: site.http.port, store: store.leases, fleet, clock, log })
}

async function startServices(ground: Ground, sockets: Sockets): Promise<Services> {
  const { site, registry, catalogue, certificate, loaders, urls, log, clock } = ground
  const dhcp = await serveDhcp(ground, sockets)
  const macAt = (address: Ipv4): Mac | undefined => dhcp?.macAt(address)
  const context = { site, registry, catalogue, layers: () => loadLayers(site.paths.answers), certificate, urls, clock, log, macAt }
  const view = registryDnsView({ registry, site, urls, fingerprint: certificate.fingerprint, macAt, leaseOf: mac => dhcp?.leaseOf(mac), log })
  const dnsTcp = createServer()
  const dns = await startDns({ udp: sockets.dns, tcp: dnsTcp, openUpstream: openUdpPort, site, view, clock, log })
  await new Promise<void>(resolve => dnsTcp.listen({ fd: sockets.dnsTcp }, () => resolve()))
  const tftp = await startTftp({
    port: sockets.tftp,
    openTransferPort: () => openUdpPort({ device: site.network.interface, address: site.network.address, port: 0 }),
    mtu: MTU_BYTES,
    find: name => openLoaderFile(site.boot.loaders, name),
    tell: registryTftpTell({ registry, macAt, log }),
    clock,
    log,
  })
  const http = await startHttp({ context, loaders, plainSocket: sockets.http, tlsSocket: sockets.https })
  return { ...(dhcp ? { dhcp } : {}), dns, dnsTcp, tftp, http }
}

async function startControl(ground: Ground): Promise<() => Promise<void>> {
  const path = join(ground.site.paths.state, CONTROL_SOCKET)
  await unlink(path).catch(() => {})
  const app = buildApp(undefined, ground)
  addApi(app, localFleet(ground.registry, async () => {}))
  // The state folder is its owner's alone (0700), and so is everything that can be asked here.
  await app.listen({ path })
  return () => closeApp(app)
}

/** Repeats a task that must not overlap itself; what goes wrong in it is logged and tried again. */
function repeat(clock: Clock, log: Log, everyMs: number, what: string, task: () => Promise<void>): () => void {
  let cancel = clock.after(everyMs, run)
  function run(): void {
    task()
      .catch((error: unknown) => log.error({ error: String(error) }, `${what} failed`))
      .finally(() => {
        cancel = clock.after(everyMs, run)
      })
  }
  return () => cancel()
}

/** Opens everything, then serves. Throws EnvironmentProblem, with nothing started, when the environment is not as it must be. */
export async function startAppliance(site: Site, options: ApplianceOptions): Promise<Appliance> {
  const ground = await openGround(site, options)
  const { log, clock, registry, catalogue } = ground
  try {
    const request = {
      interface: site.network.interface,
      address: site.network.address,
      dhcp: site.dhcp.mode !== 'off',
      httpPort: site.http.port,
      tlsPort: site.http.tlsPort,
    }
    const sockets = await openSockets(request, handedSockets(process.env, process.pid))
    const services = await startServices(ground, sockets)
    const stopControl = await startControl(ground)
    const cancels = [
      repeat(clock, log, SWEEP_MS, 'the sweep of silent machines', () => registry.sweep()),
      repeat(clock, log, RESCAN_MS, 'the rescan of the ISO folder', () => catalogue.rescan()),
    ]
    return {
      registry,
      fingerprint: ground.certificate.fingerprint,
      async stop() {
        for (const cancel of cancels) cancel()
        const { http, tftp, dns, dnsTcp, dhcp } = services
        dnsTcp.close()
        await Promise.all([http.close(), tftp.close(), dns.close(), dhcp?.close(), stopControl()])
        await ground.store.close()
      },
    }
  } catch (error) {
    await ground.store.close()
    throw error
  }
}

async function runProgram(): Promise<void> {
  const { runCommand } = await import('./cli/run.ts')
  process.exitCode = await runCommand(process.argv.slice(2))
}

// Not awaited: `serve` imports this file, which has to be complete by then.
if (import.meta.main) void runProgram()
