/** The ports of the appliance: whether it has them or could, and who else has them. */
import type { Site } from '../../site/types.ts'
import { type Finding, finding } from '../finding.ts'

export type Listener = {
  protocol: 'udp' | 'tcp'
  /** As the kernel has it: `0.0.0.0` for all. */
  address: string
  port: number
  /** Absent where this user may not know. */
  pid?: number
  program?: string
}

/** As in `udp 10.77.0.1:53`. */
export type Tried = {
  /** Somebody has it. */
  taken: readonly string[]
  /** This user may not open it at all. */
  forbidden: readonly string[]
  /** There is no such interface, or it does not have the address: another probe tells, and nothing is known of the ports. */
  isAdrift?: boolean
}

export type PortsSite = Pick<Site, 'network' | 'http' | 'dhcp' | 'console'>

export type PortsEdge = {
  listeners(): Promise<readonly Listener[]>
  /** Opens all that the appliance would, and closes them at once. Not called while one runs. */
  tryPorts(site: PortsSite): Tried
  /** The process of the appliance that runs. */
  appliance: number | undefined
}

export async function lookAtPorts(site: PortsSite, edge: PortsEdge): Promise<Finding[]> {
  const listeners = await edge.listeners()
  if (edge.appliance !== undefined) return judgePortsInUse(listeners, site, edge.appliance)
  return judgePorts(edge.tryPorts(site), listeners, site)
}

const isEverywhere = (address: string): boolean => address === '0.0.0.0' || address === '::'

function nameOf({ program, pid }: Listener): string {
  if (program === undefined) return pid === undefined ? 'a process of another user' : `process ${pid}`
  return `${program} (pid ${pid})`
}

/** Who has a port that can't be had: `udp 10.77.0.1:53`. */
function holdersOf(taken: string, listeners: readonly Listener[]): Listener[] {
  const [, protocol, address, port] = /^(\w+) (.*):(\d+)$/.exec(taken) ?? []
  const same = listeners.filter(one => one.protocol === protocol && one.port === Number(port))
  return same.filter(one => address === '0.0.0.0' || one.address === address || isEverywhere(one.address))
}

/** Before the appliance runs. */
export function judgePorts(
  { taken, forbidden, isAdrift = false }: Tried,
  listeners: readonly Listener[],
  site: PortsSite,
): Finding[] {
  const clashes = taken.map(port => clashOf(port, holdersOf(port, listeners)))
  const holders = new Set(taken.flatMap(port => holdersOf(port, listeners)))
  const untried = forbidden.length > 0 ? [finding('ports-untried', untriedText(forbidden))] : []
  const isFree = clashes.length + untried.length === 0 && !isAdrift
  return [
    ...clashes,
    ...untried,
    ...(isFree ? [finding('ports-free', `all ports of the appliance are free: ${portsText(site)}`)] : []),
    ...elsewhere(
      listeners.filter(one => !holders.has(one)),
      site,
    ),
  ]
}

/** With socket units the service manager has the ports before the appliance is started. */
const INIT = 1

function clashOf(port: string, holders: readonly Listener[]): Finding {
  const subject = { subject: port }
  if (holders.length > 0 && holders.every(({ pid }) => pid === INIT))
    return finding('port-of-systemd', `${port} is held by ${nameOf(holders[0]!)} for a socket unit`, subject)
  const names = [...new Set(holders.map(nameOf))]
  return finding('port-taken', `${port} is taken by ${names.join(' and ') || 'somebody'}`, subject)
}

function untriedText(forbidden: readonly string[]): string {
  return `whether ${forbidden.join(', ')} can be had was not tried: this user may not open them`
}

/** While it runs, it has what it needs: it would not run else. */
export function judgePortsInUse(listeners: readonly Listener[], site: PortsSite, appliance: number): Finding[] {
  const others = listeners.filter(({ pid }) => pid !== appliance)
  return [
    finding('ports-ours', `the appliance (pid ${appliance}) has its ports: ${portsText(site)}`),
    ...elsewhere(others, site),
  ]
}

type Wanted = { protocol: 'udp' | 'tcp'; port: number }

/** Web servers on other addresses are nothing to tell; other servers of these protocols are. */
function rarePorts({ dhcp }: PortsSite): Wanted[] {
  const udp = (port: number): Wanted => ({ protocol: 'udp', port })
  return [...(dhcp.mode === 'off' ? [] : [udp(67), udp(4011)]), udp(69), udp(53), { protocol: 'tcp', port: 53 }]
}

function portsText(site: PortsSite): string {
  const web: Wanted[] = [site.http.port, site.http.tlsPort].map(port => ({ protocol: 'tcp', port }))
  return [...rarePorts(site), ...web].map(({ protocol, port }) => `${protocol} ${port}`).join(', ')
}

/** Servers of the same kind on this host, each program once. They may be on other interfaces: of that the kernel's tables say nothing. */
function elsewhere(listeners: readonly Listener[], site: PortsSite): Finding[] {
  const wanted = rarePorts(site)
  const alike = listeners.filter(({ protocol, port }) =>
    wanted.some(one => one.protocol === protocol && one.port === port),
  )
  return [...Map.groupBy(alike, nameOf)].map(([name, all]) => {
    const ports = new Set(all.map(({ protocol, address, port }) => `${protocol} ${address}:${port}`))
    return finding('same-host-server', `${name} of this host has ${[...ports].join(', ')}`, { subject: name })
  })
}
