/**
 * The rack's network, inside a namespace of its own:
 *
 *     appliance's namespace         rack side
 *     rack0 10.77.0.1/23 ── rackport0 ┐
 *                         simport0 ───┤ rackbr0 (bridge, no address of its own)
 *                  sim0 ─────┘        │
 *     simulated machines           tap… ┘  QEMU machines
 *
 * Nothing has to be undone when a process dies: the kernel removes a namespace with its last process, and everything in it.
 */
import { writeFile } from 'node:fs/promises'
import { parseInterfaceAddress, parsePrefix, prefixContains } from '../kit/ipv4.ts'
import { EnvironmentProblem } from '../kit/problem.ts'
import { startApplianceProcess, type ApplianceOptions, type ApplianceProcess } from './appliance-process.ts'
import { ip, ipInNamespaceOf } from './ip-command.ts'
import { enterRackNamespace, type Entered, isInsideRackNamespace } from './namespace.ts'

export { enterRackNamespace, isInsideRackNamespace, type ApplianceOptions, type ApplianceProcess, type Entered }

export const BRIDGE = 'rackbr0'
/** The appliance's only NIC, in its own namespace. */
export const APPLIANCE_DEVICE = 'rack0'
/** What all simulated machines send and hear on. */
export const SIMULATED_DEVICE = 'sim0'

/** Ends of the two cables that are plugged into the bridge. */
const APPLIANCE_PORT = 'rackport0'
const SIMULATED_PORT = 'simport0'
/** Kept over restarts, so that nobody's ARP cache points at a NIC that is gone. */
const APPLIANCE_MAC = '52:54:00:77:00:01'

export type RackRequest = {
  /** Address and mask of the appliance, such as `10.77.0.1/23`. */
  applianceAddress: string
  /** Addresses that simulated machines may be given, such as `10.77.1.0/24`; inside the appliance's network, without its address. */
  simulatedRange?: string
}

export interface Rack {
  /** Runs a command as the appliance. One at a time. */
  startAppliance(command: string, args: readonly string[], options: ApplianceOptions): Promise<ApplianceProcess>
  /** A NIC for one QEMU machine, plugged into the bridge; at most 15 characters. */
  addTap(name: string): Promise<void>
  removeTap(name: string): Promise<void>
  /** Stops the appliance and removes all that was built. */
  close(): Promise<void>
}

function setDevice(device: string, setting: string, value: string): Promise<void> {
  return writeFile(`/proc/sys/net/ipv4/conf/${device}/${setting}`, value)
}

async function buildBridge(): Promise<void> {
  await ip('link set lo up')
  // Without a delay: a bridge that still learns would swallow the first DISCOVERs, as real switches do.
  await ip(`link add ${BRIDGE} type bridge forward_delay 0 mcast_snooping 0`)
  // A bridge answers ARP for every address of its machine, in the name of all its ports, unless told not to.
  await setDevice(BRIDGE, 'arp_ignore', '1')
  await ip(`link set ${BRIDGE} up`)
}

/**
 * One device for all simulated machines. Their whole range is local ("AnyIP"): the kernel answers ARP for it on this
 * device, and a socket may bind to any address of it, without one `ip addr add` a machine.
 */
async function buildSimulatedSide(network: string, range: string): Promise<void> {
  await ip(`link add ${SIMULATED_DEVICE} type veth peer name ${SIMULATED_PORT}`)
  await ip(`link set ${SIMULATED_PORT} master ${BRIDGE} up`)
  await ip(`link set ${SIMULATED_DEVICE} up`)
  // AnyIP addresses stand on no device, and only 0 answers ARP for such.
  await setDevice(SIMULATED_DEVICE, 'arp_ignore', '0')
  await ip(`route add local ${range} dev lo`)
  await ip(`route add ${network} dev ${SIMULATED_DEVICE}`)
}

function readRequest(request: RackRequest): { network: string; address: string } {
  const own = parseInterfaceAddress(request.applianceAddress)
  const range = request.simulatedRange === undefined ? undefined : parsePrefix(request.simulatedRange)
  const wrong = (what: string, hint: string) => new EnvironmentProblem('lab-addresses', what, hint)
  if (!own) throw wrong(`${request.applianceAddress} is not an address with a mask`, 'write it like 10.77.0.1/23')
  if (request.simulatedRange !== undefined && !range) {
    throw wrong(`${request.simulatedRange} is not a prefix`, 'write it like 10.77.1.0/24')
  }
  if (range && (prefixContains(range, own.address) || !prefixContains(own.prefix, range.network))) {
    const hint = 'choose a part of it that does not hold the appliance, like 10.77.1.0/24 in 10.77.0.1/23'
    throw wrong(`${request.simulatedRange} is not a free part of the network of ${request.applianceAddress}`, hint)
  }
  return { network: `${own.prefix.network}/${own.prefix.length}`, address: request.applianceAddress }
}

async function plugInAppliance(pid: number, address: string): Promise<void> {
  // The cable of an earlier process goes with its namespace, but the kernel takes its time.
  await ip(`link delete ${APPLIANCE_PORT}`).catch(() => {})
  await ip(`link add ${APPLIANCE_PORT} type veth peer name ${APPLIANCE_DEVICE} address ${APPLIANCE_MAC} netns ${pid}`)
  await ip(`link set ${APPLIANCE_PORT} master ${BRIDGE} up`)
  await ipInNamespaceOf(pid, 'link set lo up')
  await ipInNamespaceOf(pid, `address add ${address} dev ${APPLIANCE_DEVICE}`)
  await ipInNamespaceOf(pid, `link set ${APPLIANCE_DEVICE} up`)
}

/** All that was built but the taps. The route of the simulated machines stands on the loopback device, which outlives every cable. */
async function takeDown({ simulatedRange }: RackRequest): Promise<void> {
  for (const name of [APPLIANCE_PORT, SIMULATED_PORT, BRIDGE]) await ip(`link delete ${name}`).catch(() => {})
  if (simulatedRange !== undefined) await ip(`route delete local ${simulatedRange} dev lo`).catch(() => {})
}

/** Builds the rack. Only to be called inside the namespace that `enterRackNamespace` made. Throws EnvironmentProblem. */
export async function buildRack(request: RackRequest): Promise<Rack> {
  const { network, address } = readRequest(request)
  await buildBridge()
  try {
    if (request.simulatedRange !== undefined) await buildSimulatedSide(network, request.simulatedRange)
  } catch (error) {
    await takeDown(request)
    throw error
  }
  let appliance: ApplianceProcess | undefined
  const taps = new Set<string>()
  const removeTap = async (name: string) => {
    taps.delete(name)
    await ip(`link delete ${name}`).catch(() => {})
  }
  return {
    async startAppliance(command, args, options) {
      if (appliance?.running) throw new Error('the appliance runs already')
      appliance = await startApplianceProcess(command, args, options, pid => plugInAppliance(pid, address))
      return appliance
    },
    async addTap(name) {
      await ip(`tuntap add dev ${name} mode tap`)
      taps.add(name)
      await ip(`link set ${name} master ${BRIDGE} up`)
    },
    removeTap,
    async close() {
      await appliance?.stop()
      for (const name of taps) await removeTap(name)
      await takeDown(request)
    },
  }
}
