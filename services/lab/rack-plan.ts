/** Which machines a lab has, and the site file of its appliance. Pure: numbers in, values and TOML out. */
import { parse, stringify, type TomlTable } from 'smol-toml'
import { type Ipv4, ipv4FromNumber, ipv4ToNumber, parseInterfaceAddress, prefixToString } from '../kit/ipv4.ts'
import type { Mac } from '../kit/mac.ts'

/** `uefi-http` boots by UEFI HTTP Boot instead of PXE, `uefi-secure` has Secure Boot on; `mixed` alternates between the first two. */
export const LAB_FIRMWARES = ['bios', 'uefi', 'uefi-http', 'uefi-secure', 'mixed'] as const
export type LabFirmware = (typeof LAB_FIRMWARES)[number]

export function isLabFirmware(word: unknown): word is LabFirmware {
  return LAB_FIRMWARES.some(firmware => firmware === word)
}

export type LabMachine = {
  name: string
  mac: Mac
  /** Text form; its SMBIOS, option 97 and system information carry it. */
  uuid: string
  serial: string
  firmware: 'bios' | 'uefi'
  /** UEFI HTTP Boot instead of PXE; QEMU machines only. */
  httpBoot?: true
  /** Secure Boot with Microsoft's keys; QEMU machines only. */
  secureBoot?: true
  /** Whether the site file approves it. */
  approve: boolean
}

/** As many as the pool of the lab's site has addresses for. */
export const MACHINES_MOST = 250

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0')

/** Where a lab's machines live, as text of the site file. */
export type LabNetwork = {
  /** The appliance's, with the mask of the whole network. */
  address: string
  /** What simulated machines may be given. */
  range: string
  /** The part of the range that is leased; its last addresses are for whoever else is on the wire. */
  pool: string
}

const NETWORK = ipv4ToNumber('10.77.0.0' as Ipv4)
const FEWEST_BITS = 8
export const NOT_LEASED = 16

/** A network in which so many addresses can be leased, up to 32,000: half of it is for machines, and the appliance is in the other half. */
export function networkFor(addresses: number): LabNetwork {
  const bits = Math.max(FEWEST_BITS, Math.ceil(Math.log2(addresses + NOT_LEASED + 1)))
  const first = NETWORK + 2 ** bits
  const last = first + 2 ** bits - 1 - NOT_LEASED
  return {
    address: `${ipv4FromNumber(NETWORK + 1)}/${31 - bits}`,
    range: `${ipv4FromNumber(first)}/${32 - bits}`,
    pool: `${ipv4FromNumber(first + 1)}-${ipv4FromNumber(last)}`,
  }
}

/** Machines numbered from 1, with MACs that are nobody else's in the lab; `mixed` begins with BIOS and alternates. */
export function planMachines(count: number, firmware: LabFirmware, approve: boolean): LabMachine[] {
  return Array.from({ length: count }, (_, index) => {
    const number = index + 1
    return {
      name: `node${number}`,
      mac: `52:54:00:7a:${hex(number >> 8, 2)}:${hex(number & 255, 2)}` as Mac,
      uuid: `77000000-0000-4000-8000-${hex(number, 12)}`,
      serial: `LAB-${number}`,
      firmware: firmwareOf(firmware, index),
      ...(firmware === 'uefi-http' ? { httpBoot: true as const } : {}),
      ...(firmware === 'uefi-secure' ? { secureBoot: true as const } : {}),
      approve,
    }
  })
}

function firmwareOf(firmware: LabFirmware, index: number): 'bios' | 'uefi' {
  if (firmware === 'mixed') return index % 2 === 0 ? 'bios' : 'uefi'
  return firmware === 'bios' ? 'bios' : 'uefi'
}

export type LabSite = {
  /** Text of the site file that the lab's own builds on. */
  template: string
  machines: readonly LabMachine[]
  paths: { isos: string; answers: string; state: string }
  loaders: string
  /** File name or selector; the template's if absent. */
  iso?: string
  /** Added to the profile's. */
  kernelArgs?: readonly string[]
  /** The profile's own word if absent. */
  isoDelivery?: 'second-initrd'
  answerOptions?: boolean
  dhcpMode?: 'proxy' | 'off'
  /** The site's own word if absent. */
  probe?: boolean
  stallAfter?: string
  leaseTime?: string
  /** The template's if absent. */
  network?: LabNetwork
  /** Port of its console on loopback; the default one if absent. */
  consolePort?: number
}

/** The site file that the lab's appliance reads: the template, with folders and machines of this run. */
export function labSiteText(lab: LabSite): string {
  const table = parse(lab.template)
  const section = (name: string): TomlTable => (table[name] as TomlTable | undefined) ?? {}
  const profiles = (table['profile'] as TomlTable[]).map(profile => ({
    ...profile,
    ...(lab.iso ? { iso: lab.iso } : {}),
    ...(lab.isoDelivery ? { 'iso-delivery': lab.isoDelivery } : {}),
    'kernel-args': [...((profile['kernel-args'] as string[] | undefined) ?? []), ...(lab.kernelArgs ?? [])],
  }))
  const profile = (profiles[0] as unknown as { name: string }).name
  const { network } = lab
  return stringify({
    ...table,
    ...(network ? { network: { ...section('network'), address: network.address } } : {}),
    paths: lab.paths,
    boot: { ...section('boot'), loaders: lab.loaders, ...(lab.stallAfter ? { 'stall-after': lab.stallAfter } : {}) },
    dhcp: {
      ...section('dhcp'),
      ...(lab.dhcpMode ? { mode: lab.dhcpMode } : {}),
      ...(lab.answerOptions === undefined ? {} : { 'answer-options': lab.answerOptions }),
      ...(lab.probe === undefined ? {} : { probe: lab.probe }),
      ...(lab.leaseTime ? { 'lease-time': lab.leaseTime } : {}),
      ...(network ? { subnet: [subnetOf(network)] } : {}),
    },
    ...(lab.consolePort === undefined ? {} : { console: { listen: `127.0.0.1:${lab.consolePort}` } }),
    profile: profiles,
    machine: lab.machines.map(({ name, mac, approve, secureBoot }) => ({
      name,
      mac: [mac],
      profile,
      approve,
      ...(secureBoot ? { loader: 'grub' } : {}),
    })),
  })
}

function subnetOf({ address, pool }: LabNetwork): TomlTable {
  return { prefix: prefixToString(parseInterfaceAddress(address)!.prefix), pools: [pool] }
}
