/**
 * The one certificate that the TLS port serves, and when another one follows it. A machine pins the fingerprint that it was told; nothing in its TLS says
 * which one that was (there is no server name for an address). So there is one certificate for everybody, and it changes only while no machine is between
 * its boot script and its report: then nobody can be told one and meet another.
 */
import { renameSync } from 'node:fs'
import type { Server } from 'node:tls'
import type { Alarms, Trouble } from '../kit/alarms.ts'
import type { Clock } from '../kit/clock.ts'
import type { Log } from '../kit/log.ts'
import { EnvironmentProblem } from '../kit/problem.ts'
import type { Machine } from '../machine/lifecycle.ts'
import type { Site } from '../site/types.ts'
import {
  type Certificate,
  doubtsAbout,
  readServed,
  servedFile,
  servedText,
  wantedCertificate,
  writePrivate,
} from './certificate.ts'
import { mayStillCome } from './still-coming.ts'

/** An installer that was told without an attempt (it was booted from a stick) asks within a minute, or never. */
export const TOLD_MS = 120_000
/** A new certificate that has waited for so long is worth a look. */
export const WAITS_LONG_MS = 24 * 3_600_000
/** It lasts until it is mended, however long that takes. */
const LASTS = Number.POSITIVE_INFINITY

/** What everybody who serves or tells needs of it. */
export type TlsIdentity = Pick<ServedCertificate, 'current' | 'tell' | 'serveWith'>

export type ServedCertificateOptions = {
  site: Site
  clock: Pick<Clock, 'now' | 'elapsed'>
  log: Log
  alarms: Pick<Alarms, 'raise' | 'end'>
}

type TlsServer = Pick<Server, 'setSecureContext'>

export const TLS_CONTEXT = { minVersion: 'TLSv1.2' } as const

export class ServedCertificate {
  readonly #options: ServedCertificateOptions
  readonly #servers = new Set<TlsServer>()
  #current: Certificate
  /** This and `since` below are of the count that nobody sets. */
  #toldAt: number
  /** Fingerprint of the one that is written down and waits, and since when. */
  #waiting: { fingerprint: string; since: number } | undefined

  private constructor(options: ServedCertificateOptions, current: Certificate) {
    this.#options = options
    this.#current = current
    // With DHCP of ours whoever is told has an attempt, which the registry knows; else somebody may have been told just before a restart.
    this.#toldAt = options.site.dhcp.mode === 'server' ? Number.NEGATIVE_INFINITY : options.clock.elapsed()
  }

  /** Serves what was served before a restart, whatever the site wants by now; `look` follows it. Throws EnvironmentProblem `certificate`. */
  static async open(options: ServedCertificateOptions): Promise<ServedCertificate> {
    const { site, clock } = options
    const wanted = await wantedCertificate(site, clock.now())
    const before = await readServed(site)
    const served = new ServedCertificate(options, before ?? wanted)
    if (!before) {
      await served.#writeDown(wanted)
      served.#adopt(wanted)
    }
    return served
  }

  get current(): Certificate {
    return this.#current
  }

  /** The fingerprint, for somebody who is told it now. */
  tell(): string {
    this.#toldAt = this.#options.clock.elapsed()
    return this.#current.fingerprint
  }

  /** From now on this server has whatever certificate is the current one. */
  serveWith(server: TlsServer): void {
    this.#servers.add(server)
    this.#handOver(server)
  }

  /** Finds out what the site wants served, and goes over to it if nobody is in the way. Called every minute. */
  async look(machines: () => readonly Machine[]): Promise<void> {
    const { site, clock } = this.#options
    const wanted = await wantedCertificate(site, clock.now()).catch((error: unknown) => this.#unusable(error))
    if (!wanted) return
    this.#end('certificate')
    this.#tellDoubts(wanted)
    if (wanted.cert === this.#current.cert && wanted.key === this.#current.key) return this.#settled()
    if (this.#waiting?.fingerprint !== wanted.fingerprint)
      this.#waiting = { fingerprint: wanted.fingerprint, since: clock.elapsed() }
    await this.#writeDown(wanted)
    // From here to the end in one turn of the event loop: nobody is told anything meanwhile.
    const inTheWay = wanted.fingerprint === this.#current.fingerprint ? [] : this.#inTheWay(machines())
    if (inTheWay.length > 0) return this.#wait(inTheWay)
    this.#adopt(wanted)
    this.#settled()
  }

  #inTheWay(machines: readonly Machine[]): string[] {
    const now = this.#options.clock.now()
    const coming = machines.filter(machine => mayStillCome(machine, now)).map(({ id }) => id)
    return this.#options.clock.elapsed() - this.#toldAt < TOLD_MS
      ? [...coming, 'an installer that was told just now']
      : coming
  }

  #writeDown(certificate: Certificate): Promise<void> {
    return writePrivate(`${servedFile(this.#options.site)}.new`, servedText(certificate))
  }

  /** The file first: after a crash at any point the one that is told is the one that is served. */
  #adopt(certificate: Certificate): void {
    const { site, log } = this.#options
    const file = servedFile(site)
    renameSync(`${file}.new`, file)
    this.#current = certificate
    for (const server of this.#servers) this.#handOver(server)
    const { fingerprint, notAfter } = certificate
    log.info({ fingerprint, notAfter: notAfter.toISOString() }, 'this certificate is served from now on')
  }

  #handOver(server: TlsServer): void {
    const { cert, key } = this.#current
    server.setSecureContext({ ...TLS_CONTEXT, cert, key })
  }

  #settled(): void {
    this.#waiting = undefined
    this.#end('certificate-waits')
  }

  #wait(inTheWay: readonly string[]): void {
    const now = this.#options.clock.elapsed()
    if (now - (this.#waiting?.since ?? now) < WAITS_LONG_MS) return
    this.#raise({
      code: 'certificate-waits',
      severity: 'warning',
      message: `a new certificate has waited for a day: ${inTheWay.length} machines may still come that were told the old one, such as ${inTheWay[0]}`,
      hint: 'let a day pass without a new installation, or delete tls-served.pem in the state folder and restart, which strands those machines',
    })
  }

  #unusable(error: unknown): undefined {
    if (!(error instanceof EnvironmentProblem)) throw error
    const { code, message, hint } = error.problem
    this.#raise({ code, severity: 'alarm', message: `${message}; the one before it is still served`, hint })
    return undefined
  }

  #tellDoubts(wanted: Certificate): void {
    const { site, clock } = this.#options
    const doubts = doubtsAbout(wanted, site, clock.now())
    for (const code of ['certificate-key', 'certificate-expires', 'certificate-expired'])
      if (!doubts.some(doubt => doubt.code === code)) this.#end(code)
    for (const { code, message, hint } of doubts)
      this.#raise({ code, severity: code === 'certificate-expires' ? 'warning' : 'alarm', message, hint })
  }

  #raise(trouble: Trouble): void {
    const { alarms, log } = this.#options
    if (alarms.raise(trouble, LASTS)) log.warn({ reason: trouble.code, hint: trouble.hint }, trouble.message)
  }

  #end(code: string): void {
    this.#options.alarms.end(code)
  }
}
