/** The interface as the kernel shows it: /sys/class/net, and what it says itself. */
import { readdir, readFile, readlink } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import { basename, join } from 'node:path'
import { parseMac } from '../../kit/mac.ts'
import { interfaceMtu, interfaceState } from '../../kit/native-socket.ts'
import type { LinkFacts } from '../probe/link.ts'

const CLASS = '/sys/class/net'
const IFF_UP = 1

const readText = async (...path: string[]): Promise<string | undefined> =>
  readFile(join(CLASS, ...path), 'utf8').then(
    text => text.trim(),
    () => undefined,
  )

const numberOf = (text: string | undefined): number | undefined =>
  text !== undefined && /^-?\d+$/.test(text) ? Number(text) : undefined

/** What is looked at every two seconds: a few system calls. */
export const kernelLink = {
  state: interfaceState,
  addresses: (device: string): string[] => (networkInterfaces()[device] ?? []).map(({ address }) => address),
}

/** Undefined where there is no such interface. */
export async function readLink(device: string): Promise<LinkFacts | undefined> {
  const mtu = interfaceMtu(device)
  if (mtu === undefined) return undefined
  const own = networkInterfaces()[device] ?? []
  const addresses = own.map(({ address }) => address)
  // In a network namespace of its own a process may still see the folder of another one.
  const isItsFolder =
    numberOf(await readText(device, 'mtu')) === mtu && isSameMac(own[0]?.mac, await readText(device, 'address'))
  const facts = isItsFolder ? await readFolder(device) : {}
  return { mtu, addresses, ...facts }
}

function isSameMac(known: string | undefined, said: string | undefined): boolean {
  return known === undefined || said === undefined || parseMac(known) === parseMac(said)
}

async function readFolder(device: string): Promise<Partial<LinkFacts>> {
  const flags = await readText(device, 'flags')
  const isUp = flags === undefined ? undefined : (Number.parseInt(flags, 16) & IFF_UP) !== 0
  // Can't be read while it is down.
  const carrier = await readText(device, 'carrier')
  const speed = numberOf(await readText(device, 'speed'))
  const duplex = await readText(device, 'duplex')
  const kind = await readKind(device)
  return {
    ...(isUp === undefined ? {} : { isUp }),
    ...(carrier === undefined ? {} : { hasCarrier: carrier === '1' }),
    // Devices without a cable say -1, or 10 Gbit/s that nothing limits.
    ...(speed !== undefined && speed > 0 && !kind.isVirtual ? { speedMbit: speed } : {}),
    ...((duplex === 'half' || duplex === 'full') && !kind.isVirtual ? { duplex } : {}),
    ...kind.facts,
  }
}

async function readKind(device: string): Promise<{ isVirtual: boolean; facts: Partial<LinkFacts> }> {
  const type = /^DEVTYPE=(.*)$/m.exec((await readText(device, 'uevent')) ?? '')?.[1]
  const isVirtual = (await readlink(join(CLASS, device)).catch(() => '')).includes('/virtual/')
  const bridge = type === 'bridge' ? await readBridge(device) : undefined
  const vlan = type === 'vlan' ? await readVlan(device) : undefined
  return {
    isVirtual,
    facts: {
      ...(type === 'wlan' ? { isWireless: true } : {}),
      ...(bridge ? { bridge } : {}),
      ...(vlan ? { vlan } : {}),
    },
  }
}

/** Hundredths of a second, whatever the kernel ticks with. */
const CENTISECOND_MS = 10

async function readBridge(device: string): Promise<LinkFacts['bridge']> {
  const delay = numberOf(await readText(device, 'bridge', 'forward_delay')) ?? 0
  const stp = await readText(device, 'bridge', 'stp_state')
  const ports: string[] = await readdir(join(CLASS, device, 'brif')).catch(() => [])
  return { hasStp: stp !== undefined && stp !== '0', forwardDelayMs: delay * CENTISECOND_MS, ports: ports.toSorted() }
}

async function readVlan(device: string): Promise<LinkFacts['vlan']> {
  const told = await readFile(join('/proc/net/vlan', device), 'utf8').catch(() => '')
  const id = numberOf(/VID: (\d+)/.exec(told)?.[1])
  const lower = (await readdir(join(CLASS, device)).catch(() => [])).find(name => name.startsWith('lower_'))
  const of = /^Device: (\S+)/m.exec(told)?.[1] ?? (lower ? basename(lower).slice('lower_'.length) : undefined)
  return id === undefined || of === undefined ? undefined : { id, of }
}
