#!/usr/bin/env node
/** The composition root: the only file that wires rooms together. Run as a program it is the `rackrise` command. */
import { createServer } from 'node:net'
import { join } from 'node:path'
import { loadLayers, noKnownFiles } from './answer/load.ts'
import { Passwords } from './answer/passwords.ts'
import { listLoaders, type LoaderFile, type Loaders } from './boot/load.ts'
import { COMMON_LOADERS, loaderFileFor } from './boot/plan.ts'
import { type Urls, urlsOf } from './boot/urls.ts'
import { addControl, type ControlContext } from './console/control.ts'
import { serveControlSocket } from './console/control-socket.ts'
import { countAppliance } from './console/counts.ts'
import { startHousekeeping } from './console/housekeeping.ts'
import { addPage } from './console/page-files.ts'
import { type Console, openConsole } from './console/server.ts'
import { type LeaseSource, storedLeases } from './console/leases.ts'
import { CONTROL_SOCKET, isListening } from './console/remote-fleet.ts'
import { type OpenDhcp, openDhcp } from './dhcp/open.ts'
import type { DhcpServer } from './dhcp/server.ts'
import { registryDnsView } from './dns/registry-view.ts'
import { startDns } from './dns/server.ts'
import { watchHealth } from './health/appliance-health.ts'
import { ServedCertificate } from './http/served-certificate.ts'
import type { HttpContext } from './http/context.ts'
import { httpCounts } from './http/counts.ts'
import { grubConfig, grubFile } from './http/grub-config.ts'
import { type HttpServer, startHttp } from './http/server.ts'
import { type IsoCatalogue, openCatalogue } from './iso/catalogue.ts'
import { notesIn } from './iso/notes.ts'
import { alarmProfiles } from './iso/profile-alarms.ts'
import { LibraryWatch } from './iso/watch.ts'
import { watchEventLoop } from './kit/event-loop.ts'
import { handedSockets } from './kit/activation.ts'
import { Alarms } from './kit/alarms.ts'
import { calmLog } from './kit/calm-log.ts'
import type { Clock } from './kit/clock.ts'
import type { Ipv4 } from './kit/ipv4.ts'
import { isProblem } from './kit/is-problem.ts'
import type { Log } from './kit/log.ts'
import type { Mac } from './kit/mac.ts'
import type { Exposition, Meter } from './kit/meter.ts'
import { interfaceMtu } from './kit/native-socket.ts'
import { PortBundle } from './kit/port-bundle.ts'
import { neighbourAt } from './kit/neighbours.ts'
import { VERSION } from './cli/version.ts'
import { EnvironmentProblem, formatProblem } from './kit/problem.ts'
import { promMeter } from './kit/prom-meter.ts'
import { repeat } from './kit/repeat.ts'
import { openUdpPort } from './kit/udp-port.ts'
import { sharedRun } from './kit/shared-run.ts'
import { WorkList } from './kit/work.ts'
import { openSockets, type Sockets } from './kit/sockets.ts'
import { workedOut } from './kit/worked-out.ts'
import { alarmOfConflicts } from './machine/conflict-alarm.ts'
import { alarmOfRestore } from './machine/restored-alarm.ts'
import { machineLog } from './machine/machine-log.ts'
import { Registry } from './machine/registry.ts'
import { Reloading } from './reload/reload.ts'
import { LiveSite } from './site/live-site.ts'
import type { Site } from './site/types.ts'
import { unavailable } from './site/unavailable.ts'
import { storeCounts } from './store/counts.ts'
import { loadKey } from './store/key.ts'
import { openStore, type Store } from './store/store.ts'
import { registryTftpTell } from './tftp/registry-tell.ts'
import { machineFiles } from './tftp/machine-files.ts'
import { loaderFolder } from './tftp/load.ts'
import { startTftp, type TftpServer } from './tftp/server.ts'
import { gaugeOutbox, outboxCounts } from './webhook/counts.ts'
import { Outbox } from './webhook/outbox.ts'
import { post } from './webhook/post.ts'

export type Appliance = {
  registry: Registry
  /** That of the file that was loaded last. */
  site: Site
  reloading: Pick<Reloading, 'reload'>
  /** SHA-256 of the certificate of the TLS port, 64 hexadecimal digits. */
  fingerprint: string
  alarms: Alarms
  console: Pick<Console, 'url' | 'hasNoUsers' | 'makeLink'>
  stop(): Promise<void>
}

export type ApplianceOptions = {
  log: Log
  clock: Clock
  /** Hears what the start is about: what a database holds may take it a while. */
  onStep?: (what: string) => void
  /** Around every reload of the site file, whoever wants it. */
  onReload?: (phase: 'begins' | 'ends') => void
}

/** How often the clock is asked about machines and alarms that fell silent. */
const SWEEP_MS = 5_000
const CERTIFICATE_MS = 60_000
/** Milliseconds for which a reading of the answers folder is shared: who edits a layer is not back at the rack by then. */
const LAYERS_MS = 50
/** Ethernet's, should the interface be gone while a transfer begins. */
const MTU_BYTES = 1500

/** What has to be closed at the end, or when the start fails half-way. */
type Closing = (() => Promise<void>)[]

/** What the services stand on. */
type Ground = {
  site: LiveSite
  store: Store
  key: Uint8Array
  passwords: Passwords
  catalogue: IsoCatalogue
  certificate: ServedCertificate
  alarms: Alarms
  /** Another listing after a reload, in the same map. */
  loaders: Map<string, LoaderFile>
  urls: Urls
  log: Log
  clock: Clock
  meter: Meter & Exposition
}

/** Told before anything is opened: what the site asks for and this version lacks. */
function refuseUnavailable(site: Site, log: Log): void {
  for (const { code, message, hint, severity } of unavailable(site)) {
    if (severity === 'error') throw new EnvironmentProblem(code, message, hint)
    log.warn({ code }, `${message}; ${hint}`)
  }
}

async function findLoaders(folder: string): Promise<Loaders> {
  const loaders = await listLoaders(folder)
  const missing = COMMON_LOADERS.filter(name => !loaders.has(name))
  if (missing.length === 0) return loaders
  throw new EnvironmentProblem(
    'loaders-missing',
    `${folder} has no ${missing.join(' and no ')}`,
    'install them with `apt-get install ipxe`, or set boot.loaders to a folder that has them',
  )
}

async function openGround(site: LiveSite, { log, clock }: ApplianceOptions, closing: Closing): Promise<Ground> {
  refuseUnavailable(site, log)
  if (await isListening(join(site.paths.state, CONTROL_SOCKET))) {
    throw new EnvironmentProblem(
      'already-running',
      `an appliance with the state folder ${site.paths.state} is running`,
      'stop it first, or set another paths.state',
    )
  }
  const loaders = new Map(await findLoaders(site.boot.loaders))
  const meter = promMeter()
  const store = await openStore(site.paths.state, storeCounts(meter), log)
  closing.push(() => store.close())
  const alarms = new Alarms(clock, alarm =>
    log.info({ reason: alarm.code, subject: alarm.subject }, `over: ${alarm.message}`),
  )
  const certificate = await ServedCertificate.open({ site, clock, log, alarms })
  const urls = urlsOf(site)
  const ours = {
    answerUrl: urls.answer(),
    get fingerprint() {
      return certificate.current.fingerprint
    },
  }
  const catalogue = await openCatalogue(site.paths.isos, log, {
    notes: notesIn(site.paths.state),
    clock,
    ours,
    onLook: library => alarmProfiles(site.profiles.values(), library, alarms),
  })
  for (const problem of (await loadLayers(site.paths.answers)).problems) {
    log.warn({ code: problem.code }, formatProblem(problem))
  }
  const key = await loadKey(site.paths.state)
  return {
    site,
    store,
    key,
    passwords: new Passwords({ store: store.passwords, key, clock }),
    catalogue,
    certificate,
    alarms,
    loaders,
    urls,
    log,
    clock,
    meter,
  }
}

/** All ports, before anything is written that a start leaves behind. TCP descriptors that no server adopted end with the process. */
async function openPorts(site: Site, closing: Closing): Promise<Sockets> {
  const sockets = await openSockets(
    {
      interface: site.network.interface,
      address: site.network.address,
      dhcp: site.dhcp.mode !== 'off',
      httpPort: site.http.port,
      tlsPort: site.http.tlsPort,
    },
    handedSockets(process.env, process.pid),
  )
  for (const port of [sockets.dhcp, sockets.bootServer, sockets.dhcpWatch, sockets.tftp, sockets.dns])
    if (port && !isProblem(port)) closing.push(() => port.close())
  return sockets
}

type Served = Ground & { registry: Registry; sockets: Sockets; work: WorkList }

function serveTftp(
  { site, registry, loaders, log, clock, meter, sockets }: Served,
  context: HttpContext,
): Promise<TftpServer> {
  const { interface: device, address } = site.network
  const transfers = new PortBundle()
  const folder = workedOut(
    () => [site.boot.loaders],
    () => loaderFolder(site.boot.loaders),
  )
  return startTftp({
    port: sockets.tftp,
    openTransferPort: () => transfers.open({ device, address, port: 0 }),
    mtu: () => interfaceMtu(device) ?? MTU_BYTES,
    find: machineFiles({
      loader: name => folder()(name),
      loaderFileFor: name => loaderFileFor(name, loaders),
      grubConfig: (name, client) => grubConfig(context, name, client, 'tftp'),
      attemptFile: (attempt, part, client) => grubFile(context, attempt, part, client),
    }),
    tell: registryTftpTell({ registry, macAt: context.macAt, log }),
    clock,
    log,
    meter,
  })
}

/** `leases` is who keeps them from now on. */
type Services = Pick<OpenDhcp, 'watch' | 'server'> & { leases: LeaseSource; http: HttpServer }

async function startServices(served: Served, closing: Closing): Promise<Services> {
  const { site, registry, catalogue, certificate, loaders, urls, clock, meter, sockets, alarms } = served
  const fingerprint = (): string => certificate.tell()
  const log = machineLog(served.log, registry, 'dhcp')
  const { server: dhcp, watch } = await openDhcp({ ...served, leases: served.store.leases, fingerprint, log }, closing)
  const macAt = (address: Ipv4): Mac | undefined =>
    dhcp ? dhcp.macAt(address) : neighbourAt(site.network.interface, address)
  const logOf = (room: string): Log => machineLog(served.log, registry, room, macAt)
  const knownLayers = noKnownFiles(clock)
  const context = {
    site,
    registry,
    catalogue,
    layers: sharedRun(() => loadLayers(site.paths.answers, knownLayers), { freshMs: LAYERS_MS, clock }),
    certificate,
    documents: served.store.documents,
    passwords: served.passwords,
    urls,
    ...{ clock, alarms },
    log: calmLog(logOf('http'), clock),
    counts: httpCounts(meter),
    macAt,
  }
  const view = registryDnsView({
    registry,
    site,
    urls,
    fingerprint,
    macAt,
    leaseOf: mac => dhcp?.leaseOf(mac),
  })
  const dnsTcp = createServer()
  const dns = await startDns({
    udp: sockets.dns,
    tcp: dnsTcp,
    openUpstream: openUdpPort,
    site,
    view,
    clock,
    log: logOf('dns'),
    meter,
  })
  closing.push(() => dns.close())
  await new Promise<void>(resolve => dnsTcp.listen({ fd: sockets.dnsTcp }, () => resolve()))
  closing.push(async () => void dnsTcp.close())
  const tftp = await serveTftp({ ...served, log: logOf('tftp') }, context)
  closing.push(() => tftp.close())
  const http = await startHttp({ context, loaders, plainSocket: sockets.http, tlsSocket: sockets.https })
  closing.push(() => http.close())
  const leases = dhcp ? { ...dhcp, all: async () => dhcp.leases() } : storedLeases(served.store.leases, clock)
  return { leases, watch, http, ...(dhcp ? { server: dhcp } : {}) }
}

type Adopting = Pick<Services, 'http'> & {
  server: DhcpServer | undefined
  outbox: Outbox
  lookAtCertificate: () => Promise<void>
}

type Running = Pick<ControlContext, 'leases' | 'outbox' | 'health' | 'reloading'>

/** What is asked by people and programs, over everything that runs. */
function controlOver(served: Served, running: Running): ControlContext {
  const { site, certificate, clock } = served
  const layers = sharedRun(() => loadLayers(site.paths.answers), { freshMs: LAYERS_MS, clock })
  const fingerprint = (): string => certificate.current.fingerprint
  return { ...served, version: VERSION, startedAt: clock.now(), layers, fingerprint, ...running }
}

/**
 * Another site for everybody, in one turn of the event loop: rooms read it when they decide, and what they have worked out from it they work out anew. Resolves
 * when the rest is done that follows at a start, too.
 */
async function adopt(
  { site, registry, catalogue, loaders }: Served,
  next: Site,
  found: Loaders,
  running: Adopting,
): Promise<void> {
  const { http, outbox, server, lookAtCertificate } = running
  site.use(next)
  loaders.clear()
  for (const [name, file] of found) loaders.set(name, file)
  http.pace()
  const settled = [registry.useSite(), outbox.useSite(), lookAtCertificate(), catalogue.rescan()]
  server?.watchPools()
  await Promise.all(settled)
}

/** Opens everything, then serves. Throws EnvironmentProblem, with nothing started, when the environment is not as it must be. */
export async function startAppliance(first: Site, options: ApplianceOptions): Promise<Appliance> {
  const { log, clock } = options
  const site = new LiveSite(first)
  const grounds: Closing = []
  const services: Closing = []
  const stop = async (): Promise<void> => {
    await Promise.all(services.map(close => close()))
    for (const close of grounds.toReversed()) await close()
  }
  try {
    const ground = await openGround(site, options, grounds)
    const sockets = await openPorts(site, grounds)
    const registry = await Registry.open({ ...options, site, store: ground.store.events, key: ground.key })
    const { certificate, alarms, store } = ground
    countAppliance({ ...ground, registry })
    alarmOfConflicts(registry, alarms)
    alarmOfRestore(registry, alarms, machineLog(log, registry, 'machine'))
    const served = { ...ground, registry, sockets, work: new WorkList(clock) }
    const lookAtCertificate = (): Promise<void> => certificate.look(() => registry.machines())
    // Before anybody is told anything: what was replaced while nobody was in the way counts at once.
    await lookAtCertificate()
    const { leases, watch, http, server } = await startServices(served, services)
    const health = watchHealth({ ...served, leases, watch, pid: process.pid })
    services.push(() => health.close())
    services.push(() => served.work.close())
    const outbox = await Outbox.open({
      ...{ site, registry, store: store.outbox, post, alarms, clock, log: machineLog(log, registry, 'webhook') },
      ...{ events: store.events, chance: Math.random, counts: outboxCounts(ground.meter) },
    })
    gaugeOutbox(ground.meter, outbox, clock)
    services.push(() => outbox.close())
    const reloading = new Reloading({
      ...{ ...options, site, fleet: registry, log: machineLog(log, registry, 'reload') },
      check: file => health.checkFile(file),
      prove: () => store.prove(),
      adopt: (next, loaders) => adopt(served, next, loaders, { http, outbox, server, lookAtCertificate }),
    })
    const control = controlOver(served, { leases, outbox, health, reloading })
    const console = await openConsole({
      ...{ ...served, version: VERSION, log: machineLog(log, registry, 'console') },
      addRoutes: app => [addControl(app, control), addPage(app)],
    })
    services.push(() => console.close())
    services.push(await serveControlSocket(site.paths.state, control, console))
    const failed = (what: string) => (error: unknown) => log.error({ error: String(error) }, `${what} failed`)
    services.push(repeat(clock, SWEEP_MS, () => registry.sweep(), failed('the sweep of silent machines')))
    services.push(await startHousekeeping({ ...served, leases }))
    services.push(repeat(clock, SWEEP_MS, async () => alarms.sweep(), failed('the sweep of alarms')))
    services.push(repeat(clock, CERTIFICATE_MS, lookAtCertificate, failed('the look at the certificate')))
    services.push(watchEventLoop(alarms, log, clock, SWEEP_MS))
    const library = new LibraryWatch(ground.catalogue, clock, failed('the look at the ISO folder'))
    services.push(() => library.stop())
    library.start()
    return { registry, alarms, site, reloading, fingerprint: certificate.current.fingerprint, console, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function becomeProgram(): Promise<void> {
  const { runProgram } = await import('./cli/program.ts')
  await runProgram(process.argv.slice(2))
}

// Not awaited: `serve` imports this file, which has to be complete by then.
if (import.meta.main) void becomeProgram()
