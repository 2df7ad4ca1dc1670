/** One run of the lab: a rack in this namespace, the real appliance in one of its own, and the door to it. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import type { Fleet } from '../console/fleet.ts'
import type { LinkView } from '../console/link-api.ts'
import { CONTROL_SOCKET, askJson, isListening, remoteFleet } from '../console/remote-fleet.ts'
import { openCatalogue } from '../iso/catalogue.ts'
import { isProblem } from '../kit/is-problem.ts'
import { EnvironmentProblem } from '../kit/problem.ts'
import { silentLog } from '../kit/log.ts'
import { programFile, programModule } from '../kit/program-files.ts'
import { type ConsoleForward, startConsoleRelay } from './console-forward.ts'
import { type ApplianceProcess, BRIDGE, buildRack, type Rack } from './network.ts'
import { startOtherServer } from './other-server.ts'
import { type LabMachine, type LabNetwork, labSiteText } from './rack-plan.ts'
import { advertiseNoRouter } from './router-advertisement.ts'
import type { SignedLoaders } from './signed-loaders.ts'
import { buildStandIn } from './stand-in/build.ts'

const APPLIANCE_ADDRESS = '10.77.0.1/23'
const SIMULATED_RANGE = '10.77.1.0/24'
/** Of the other DHCP server, where there is one. */
const OTHER_SERVER = { address: '10.77.0.2/23', first: '10.77.1.1', last: '10.77.1.250', mask: '255.255.254.0' }
const START_LIMIT_MS = 30_000
const START_POLL_MS = 50
/** About the size of a real loader. */
const FILLER_LOADER_BYTES = 74_000

export type LabRequest = {
  /** Everything of this run: site file, state, logs, disks. */
  folder: string
  kind: 'qemu' | 'simulated'
  machines: readonly LabMachine[]
  /** A Proxmox ISO; absent: one of `isos/`, else the stand-in. */
  iso?: string
  /** Size of a full stand-in; its usual one if absent. */
  standInMiB?: number
  kernelArgs?: readonly string[]
  isoDelivery?: 'second-initrd'
  answerOptions?: boolean
  /** Folder of loaders; absent: Debian's for QEMU machines, anything for simulated ones. */
  loaders?: string
  /** For machines with Secure Boot, in place of `loaders`. */
  signed?: SignedLoaders
  /** Folder of answer layers; the checkout's if absent. */
  answers?: string
  /** Further tables of the site file, as text. */
  more?: string
  /** A larger network than that of the lab's own site. */
  network?: LabNetwork
  leaseTime?: string
  stallAfter?: string
  /** Of Node itself, for the appliance. */
  nodeArgs?: readonly string[]
  env?: Record<string, string>
  /** Another DHCP server gives the addresses, and the appliance is a proxy beside it; with lines of its own it also says what to boot, and the appliance nothing by DHCP. */
  otherServer?: true | { config: readonly string[] }
  /** Where its console is to be reached from outside; nowhere if absent. */
  forward?: ConsoleForward
}

export type Lab = {
  folder: string
  siteFile: string
  rack: Rack
  fleet: Fleet
  /** Name of the ISO that is booted, and whether it is the stand-in. */
  iso: { file: string; standIn: boolean }
  appliance: ApplianceProcess
  /** A way into its console, good once. */
  consoleLink(): Promise<string>
  /** Starts the appliance again after it was killed, behind the same NIC. */
  restartAppliance(): Promise<void>
  close(): Promise<void>
}

type ChosenIso = { folder: string; selector: string; standIn: boolean }

async function chooseIso(request: LabRequest): Promise<ChosenIso> {
  if (request.iso) {
    const folder = dirname(resolve(request.iso))
    const found = (await openCatalogue(folder, silentLog)).find(basename(request.iso))
    if (isProblem(found))
      throw new EnvironmentProblem(
        found.code,
        `${request.iso} is no Proxmox ISO that can be booted: ${found.message}`,
        'give --iso the file of one',
      )
    return { folder, selector: found.file, standIn: false }
  }
  const library = programFile('isos')
  // What Debian signs does not start a kernel that Proxmox signed, so there the stand-in it is.
  const found = request.signed
    ? undefined
    : (await openCatalogue(library, silentLog)).entries().find(({ autoInstallCapable }) => autoInstallCapable)
  if (found) return { folder: library, selector: found.file, standIn: false }
  const folder = join(request.folder, 'isos')
  const size = request.standInMiB === undefined ? {} : { sizeMiB: request.standInMiB }
  const signed = request.signed ? { signed: request.signed.disk } : {}
  const { file } = await buildStandIn({ folder, kind: request.kind === 'qemu' ? 'full' : 'small', ...size, ...signed })
  return { folder, selector: basename(file), standIn: true }
}

/** Simulated machines load and do not run them: any bytes do, so that nothing has to be installed. */
async function fillerLoaders(folder: string): Promise<string> {
  const loaders = join(folder, 'loaders')
  await mkdir(loaders, { recursive: true })
  for (const name of ['undionly.kpxe', 'snponly.efi'])
    await writeFile(join(loaders, name), Buffer.alloc(FILLER_LOADER_BYTES, name))
  return loaders
}

async function writeSite(request: LabRequest, iso: ChosenIso): Promise<{ siteFile: string; state: string }> {
  const state = join(request.folder, 'state')
  const siteFile = join(request.folder, 'site.toml')
  const loaders =
    request.signed?.folder ??
    request.loaders ??
    (request.kind === 'qemu' ? '/usr/lib/ipxe' : await fillerLoaders(request.folder))
  const text = labSiteText({
    template: await readFile(programFile('config/site.lab.toml'), 'utf8'),
    machines: request.machines,
    paths: { isos: iso.folder, answers: request.answers ?? programFile('answers'), state },
    loaders,
    iso: iso.selector,
    ...(request.kernelArgs ? { kernelArgs: request.kernelArgs } : {}),
    ...(request.isoDelivery ? { isoDelivery: request.isoDelivery } : {}),
    // The kernel answers ARP for every address that a simulated machine could have.
    ...(request.kind === 'simulated' ? { probe: false } : {}),
    ...(request.forward ? { consolePort: request.forward.port } : {}),
    ...(request.otherServer ? { dhcpMode: request.otherServer === true ? ('proxy' as const) : ('off' as const) } : {}),
    ...(request.answerOptions === undefined ? {} : { answerOptions: request.answerOptions }),
    ...(request.network ? { network: request.network } : {}),
    ...(request.leaseTime ? { leaseTime: request.leaseTime } : {}),
    ...(request.stallAfter ? { stallAfter: request.stallAfter } : {}),
  })
  await writeFile(siteFile, `${text}\n${request.more ?? ''}`)
  return { siteFile, state }
}

/** Resolves when the appliance can be asked; what it said last is the reason if it ends before. */
async function untilServing(appliance: ApplianceProcess, socket: string, logFile: string): Promise<void> {
  for (const end = Date.now() + START_LIMIT_MS; Date.now() < end; ) {
    if (await isListening(socket)) return
    if (!appliance.running) break
    await new Promise(wake => setTimeout(wake, START_POLL_MS))
  }
  const said = (await readFile(logFile, 'utf8').catch(() => '')).trim().split('\n').at(-1)
  throw new EnvironmentProblem(
    'lab-appliance',
    `the appliance did not start: ${said || 'it said nothing'}`,
    `see ${logFile}`,
  )
}

/** Builds everything and starts the appliance. Only inside the namespace that `enterRackNamespace` made. Throws EnvironmentProblem. */
export async function openLab(request: LabRequest): Promise<Lab> {
  await mkdir(request.folder, { recursive: true })
  const iso = await chooseIso(request)
  const { siteFile, state } = await writeSite(request, iso)
  const rack = await buildRack({
    applianceAddress: request.network?.address ?? APPLIANCE_ADDRESS,
    ...(request.kind === 'simulated' ? { simulatedRange: request.network?.range ?? SIMULATED_RANGE } : {}),
  })
  const logFile = join(request.folder, 'appliance.log')
  const socket = join(state, CONTROL_SOCKET)
  const stopAdvertising = request.kind === 'qemu' ? advertiseNoRouter(BRIDGE) : () => {}
  let stopOther = async (): Promise<void> => {}
  let stopRelay = (): void => {}
  const forward = async ({ pid }: ApplianceProcess): Promise<void> => {
    stopRelay()
    if (request.forward) stopRelay = await startConsoleRelay(pid, request.forward)
  }
  const close = async (): Promise<void> => {
    stopAdvertising()
    stopRelay()
    await stopOther()
    await rack.close()
  }
  try {
    if (request.otherServer) {
      const own = request.otherServer === true ? {} : request.otherServer
      stopOther = await startOtherServer({ ...OTHER_SERVER, ...own, device: BRIDGE, folder: request.folder })
    }
    const command = [...(request.nodeArgs ?? []), programModule('services/main'), 'serve', '--config', siteFile]
    const appliance = await rack.startAppliance(process.execPath, command, {
      logFile,
      ...(request.env ? { env: request.env } : {}),
    })
    await untilServing(appliance, socket, logFile)
    await forward(appliance)
    return {
      folder: request.folder,
      siteFile,
      rack,
      fleet: remoteFleet({ path: socket, user: 'the lab' }),
      iso: { file: iso.selector, standIn: iso.standIn },
      appliance,
      async consoleLink() {
        const link = await askJson<LinkView>({ path: socket, user: 'lab' }, 'POST', '/api/v1/session/link', {})
        if (isProblem(link)) throw new EnvironmentProblem(link.code, link.message, link.hint)
        return link.url
      },
      async restartAppliance() {
        await appliance.restart()
        await untilServing(appliance, socket, logFile)
        // In a namespace of its own again.
        await forward(appliance)
      },
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}
