/**
 * A machine without hardware: firmware, iPXE, installer and disk as the appliance notices them, over real sockets that are bound to
 * the machine's own address. One life runs from power-on until its disk is booted, or until something keeps it from there.
 */
import type { Clock } from '../../kit/clock.ts'
import type { OpenDatagramPort } from '../../kit/datagram-port.ts'
import type { Ipv4 } from '../../kit/ipv4.ts'
import { stageOf, type Outcome, type Stage } from '../stage.ts'
import { BootImages } from './boot-images.ts'
import { obtainLease, type DhcpResult, type DhcpWire, type Lease } from './dhcp-client.ts'
import { addressesOption, OPTION } from './dhcp-message.ts'
import type { Firmware, Speaker } from './dhcp-voice.ts'
import { resolveAddress, type DnsTools } from './dns-client.ts'
import { readBootReply } from './boot-reply.ts'
import type { HttpTools } from './http-client.ts'
import { runInstaller, WANTED_FILES, type InstallResult } from './installer.ts'
import { expand } from './ipxe-settings.ts'
import { runScript, type IpxeHost, type ScriptEnd } from './ipxe.ts'
import { ipxeSettings } from './machine-settings.ts'
import { LAB_PACE, type Pace } from './pace.ts'
import type { Hardware } from './reports.ts'
import { IPXE_OPTIONS, OVMF_OPTIONS, tftpRead } from './tftp-client.ts'

export type MachineSpec = Hardware & {
  firmware: Firmware
  /** The installer does not ask for option 250 and has to find its answer through DNS. */
  withhold250?: boolean
  /** What is on the disk at power-on; blank if not said. */
  disk?: 'blank' | 'bootable'
  /** Pulls the power once, after the answer and before the disk can be booted, and switches on again. */
  powerCycle?: boolean
  pace?: Partial<Pace>
}

/** What the rack lends to its machines. */
export type RackSide = {
  wire: DhcpWire
  openPort: OpenDatagramPort
  /** Absent on loopback only. */
  device?: string
  clock: Clock
  report: (name: string, stage: Stage, address?: Ipv4) => void
}

/** How one boot, from self test to whatever runs then, ended. */
type BootEnd =
  | { end: 'told-disk'; screen: string[] }
  | { end: 'kernel'; args: string; files: Map<string, Uint8Array> }
  /** Nobody offered anything to boot. */
  | { end: 'nothing-offered'; why: string }
  | { end: 'failed'; why: string }

/** A machine that is sent to its blank disk comes back; more often than the appliance resumes an attempt is a circle. */
const BOOTS_MOST = 10

const failed = (why: string): { outcome: 'failed'; why: string } => ({ outcome: 'failed', why })

export class SimulatedMachine {
  readonly spec: MachineSpec
  private readonly rack: RackSide
  private readonly pace: Pace
  private power = new AbortController()
  private cut: string | undefined
  private disk: 'blank' | 'bootable'
  private cyclesLeft: number
  private answered = false
  private installed = false
  private address: Ipv4 | undefined

  constructor(spec: MachineSpec, rack: RackSide) {
    this.spec = spec
    this.rack = rack
    this.pace = { ...LAB_PACE, ...spec.pace }
    this.disk = spec.disk ?? 'blank'
    this.cyclesLeft = spec.powerCycle ? 1 : 0
  }

  /** One life. What fails is an outcome with a reason, never thrown. */
  async powerOn(): Promise<Outcome> {
    this.power = new AbortController()
    this.cut = undefined
    this.answered = false
    this.installed = false
    const cancel = this.rack.clock.after(this.pace.lifeLimitMs, () => this.powerOff('it took too long'))
    const outcome = await this.live()
    cancel()
    this.report(stageOf(outcome))
    return outcome
  }

  /** Ends the life that runs; its outcome is `failed` with this reason. */
  powerOff(why = 'switched off'): void {
    this.cut = why
    this.power.abort()
  }

  private report(stage: Stage): void {
    this.rack.report(this.spec.name, stage, this.address)
  }

  /** False if the power went meanwhile. */
  private pause(ms: number): Promise<boolean> {
    const { signal } = this.power
    return new Promise(resolve => {
      if (signal.aborted) return resolve(false)
      const powerLost = () => {
        cancel()
        resolve(false)
      }
      const cancel = this.rack.clock.after(ms, () => {
        signal.removeEventListener('abort', powerLost)
        resolve(true)
      })
      signal.addEventListener('abort', powerLost, { once: true })
    })
  }

  private async live(): Promise<Outcome> {
    let last = ''
    for (let boots = 0; boots < BOOTS_MOST; boots++) {
      const end = await this.boot()
      if (this.cut !== undefined) return failed(this.cut)
      const outcome = end.end === 'kernel' ? await this.install(end) : this.judge(end)
      if (this.cut !== undefined) return failed(this.cut)
      if (outcome !== 'again') return outcome
      last = end.end === 'told-disk' ? (end.screen.at(-1) ?? '') : last
      this.report({ at: 'reboot' })
      await this.pause(this.pace.rebootMs)
    }
    return failed(`still not done after ${BOOTS_MOST} boots${last ? `; its screen says: ${last}` : ''}`)
  }

  private judge(end: Exclude<BootEnd, { end: 'kernel' }>): Outcome | 'again' {
    if (end.end === 'failed') return failed(end.why)
    if (end.end === 'nothing-offered') {
      // Firmware that hears nothing goes on to its disk. After an installation the appliance has to say so itself.
      return this.disk === 'bootable' && !this.installed ? { outcome: 'booted-disk' } : failed(end.why)
    }
    const shown = this.showsIdentity(end.screen)
    if (this.disk === 'bootable') return { outcome: this.installed ? 'installed' : shown ? 'held' : 'booted-disk' }
    return shown && !this.answered ? { outcome: 'held' } : 'again'
  }

  private showsIdentity(screen: readonly string[]): boolean {
    const text = screen.join('\n').toLowerCase()
    return text.includes(this.spec.mac) || text.includes(this.spec.serial.toLowerCase())
  }

  private async lease(speaker: Speaker): Promise<DhcpResult> {
    const { wire, clock } = this.rack
    const tools = { wire, clock, waitsMs: this.pace.dhcpWaitsMs, signal: this.power.signal }
    const result = await obtainLease(tools, speaker, this.spec)
    if (!result.ok) return result
    const before = this.address
    this.address = result.lease.address
    // One machine, one address: an answer is served to the lease's address, and a reservation covers all stages.
    if (before !== undefined && before !== this.address) {
      return { ok: false, reason: `DHCP (${speaker}): ${this.address} was given to a machine that holds ${before}` }
    }
    return result
  }

  private async boot(): Promise<BootEnd> {
    this.report({ at: 'power-on' })
    await this.pause(this.pace.postMs)
    this.report({ at: 'dhcp' })
    const firmware = await this.lease('firmware')
    if (!firmware.ok) return { end: 'nothing-offered', why: firmware.reason }
    const offered = readBootReply('firmware', firmware.lease.reply)
    if (!offered.ok)
      return offered.nothing ? { end: 'nothing-offered', why: offered.reason } : { end: 'failed', why: offered.reason }
    const loaded = await this.loadLoader(firmware.lease, offered.server, offered.file)
    if (loaded !== undefined) return { end: 'failed', why: loaded }
    this.report({ at: 'dhcp' })
    const ipxe = await this.lease('ipxe')
    if (!ipxe.ok) return { end: 'failed', why: ipxe.reason }
    const told = readBootReply('ipxe', ipxe.lease.reply)
    return told.ok ? this.runIpxe(ipxe.lease, told.file) : { end: 'failed', why: told.reason }
  }

  private async loadLoader(lease: Lease, server: Ipv4, file: string): Promise<string | undefined> {
    this.report({ at: 'loader' })
    const { clock } = this.rack
    const tools = {
      open: () => this.open(lease),
      clock,
      signal: this.power.signal,
      waitMs: this.pace.tftpWaitMs,
      tries: this.pace.tftpTries,
    }
    const uefi = this.spec.firmware === 'uefi'
    const read = await tftpRead(tools, server, file, uefi ? OVMF_OPTIONS : IPXE_OPTIONS, uefi)
    return read.ok ? undefined : `loader ${file}: ${read.reason}`
  }

  private open(lease: Lease) {
    const { openPort, device } = this.rack
    return openPort({ ...(device === undefined ? {} : { device }), address: lease.address, port: 0 })
  }

  private dns(lease: Lease, servers: readonly Ipv4[]): DnsTools {
    const { clock } = this.rack
    const { dnsWaitMs: waitMs, dnsTries: tries } = this.pace
    return { open: () => this.open(lease), clock, signal: this.power.signal, servers, waitMs, tries }
  }

  private http(lease: Lease): HttpTools {
    const resolve = async (name: string) => {
      const found = await resolveAddress(this.dns(lease, addressesOption(lease.reply, OPTION.dns)), name)
      return found.startsWith('DNS:') ? { reason: found } : { address: found as Ipv4 }
    }
    return { localAddress: lease.address, signal: this.power.signal, resolve }
  }

  private async runIpxe(lease: Lease, file: string): Promise<BootEnd> {
    const screen: string[] = []
    const images = new BootImages(this.http(lease), this.rack.clock, this.pace.idleMs, WANTED_FILES, stage =>
      this.report(stage),
    )
    const settings = ipxeSettings(this.spec, lease)
    const host: IpxeHost = {
      settings,
      fetch: (url, use, name) => images.fetch(url, use, name),
      // UEFI's iPXE boots from SAN devices only that it attached itself; the local disk is the firmware's next boot option.
      sanboot: () => this.spec.firmware === 'bios' && this.disk === 'bootable',
      echo: line => void screen.push(line),
      pause: async ms => void (await this.pause(Math.min(Math.max(ms, 0) || 0, this.pace.longestScriptPauseMs))),
    }
    // iPXE fills in its own settings before it fetches what DHCP named.
    const url = URL.parse(expand(file, settings))
    if (!url) return { end: 'failed', why: `DHCP (ipxe): ${file} is no address of a boot script` }
    const script = await images.fetch(url.href, 'script', '')
    if (!script.ok) return { end: 'failed', why: `boot script: ${script.reason}` }
    return this.afterScript(await runScript(script.text ?? '', url.href, host), images, screen)
  }

  private afterScript(end: ScriptEnd, images: BootImages, screen: string[]): BootEnd {
    if (end.end === 'failed') return { end: 'failed', why: end.why }
    if (end.end !== 'kernel') return { end: 'told-disk', screen }
    const found = images.isoFiles(end.initrds)
    return found.ok ? { end: 'kernel', args: end.args, files: found.files } : { end: 'failed', why: found.reason }
  }

  private async install(booted: Extract<BootEnd, { end: 'kernel' }>): Promise<Outcome | 'again'> {
    if (this.installed) return failed('was told to install again right after its installation')
    await this.pause(this.pace.kernelMs)
    const result = await runInstaller(this.installerWorld(), booted.args, booted.files)
    if (result.ok || 'powerLost' in result) return this.afterInstaller(result)
    return failed(`installer: ${result.why}`)
  }

  private afterInstaller(result: InstallResult): 'again' {
    if (result.ok) this.installed = true
    else this.power = new AbortController()
    return 'again'
  }

  private installerWorld() {
    return {
      machine: this.spec,
      dhcp: () => this.lease('installer'),
      http: (lease: Lease) => this.http(lease),
      dns: (lease: Lease) => (servers: DnsTools['servers']) => this.dns(lease, servers),
      requestLimitMs: this.pace.requestLimitMs,
      report: (stage: 'dhcp' | 'answer' | 'installing') => this.report({ at: stage }),
      install: () => this.writeDisk(),
    }
  }

  /** False if the power went before the disk could be booted. The old system is gone as soon as the disk is partitioned. */
  private async writeDisk(): Promise<boolean> {
    this.answered = true
    this.disk = 'blank'
    if (this.cyclesLeft > 0) {
      this.cyclesLeft -= 1
      await this.pause(this.pace.installMs / 2)
      this.power.abort()
      return false
    }
    if (!(await this.pause(this.pace.installMs))) return false
    this.disk = 'bootable'
    return true
  }
}
