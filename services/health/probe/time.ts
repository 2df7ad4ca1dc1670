/** The clock of this host, and certificates by it. */
import type { Instant } from '../../kit/clock.ts'
import type { Problem } from '../../kit/problem.ts'
import { FINDINGS } from '../codes.ts'
import { type Finding, finding } from '../finding.ts'

export type ClockFacts = {
  now: Instant
  /** As the kernel was told; undefined where it does not say. */
  isSynchronised?: boolean
}

/** When this was written: no clock that is right is before it. */
const NOT_BEFORE = Date.UTC(2026, 10, 1)
const YEARS_MOST = 30
const YEAR_MS = 365.25 * 24 * 3_600_000

export function judgeClock({ now, isSynchronised }: ClockFacts): Finding[] {
  const text = new Date(now).toISOString().slice(0, 16).replace('T', ' ')
  if (now < NOT_BEFORE || now > NOT_BEFORE + YEARS_MOST * YEAR_MS)
    return [finding('clock-wrong', `this host has ${text} UTC, which can not be`)]
  if (isSynchronised === false)
    return [finding('clock-free-running', `it is ${text} UTC here, and nothing keeps that right`)]
  if (isSynchronised === undefined) return [finding('clock-unknown')]
  return [finding('clock-synchronised', `it is ${text} UTC, and kept so`)]
}

/** Of what is served, or would be. */
export type CertificateFacts = {
  notBefore: Instant
  notAfter: Instant
  /** Self-signed and kept by the appliance, which makes another one in time. */
  isOwn: boolean
}

const DAY_MS = 24 * 3_600_000

/** @param problems what is wrong with the site's own certificate, as `check` says it */
export function judgeCertificate(
  facts: CertificateFacts | undefined,
  problems: readonly Problem[],
  now: Instant,
): Finding[] {
  const told = problems.map(({ code, message, hint }) =>
    finding(code in FINDINGS ? (code as 'certificate') : 'certificate', message, { hint }),
  )
  if (!facts) return told.length > 0 ? told : [finding('certificate-unmade')]
  const day = (at: Instant): string => new Date(at).toISOString().slice(0, 10)
  if (facts.notBefore > now) {
    const message = `the certificate is valid from ${day(facts.notBefore)}, and by this clock it is ${day(now)}`
    return [finding('certificate-early', message), ...told]
  }
  if (told.length > 0) return told
  const kind = facts.isOwn ? 'the self-signed certificate' : 'the certificate'
  const days = Math.floor((facts.notAfter - now) / DAY_MS)
  const renewed = facts.isOwn ? ', and another one is made in time' : ''
  return [finding('certificate-fine', `${kind} is valid until ${day(facts.notAfter)}, ${days} days${renewed}`)]
}
