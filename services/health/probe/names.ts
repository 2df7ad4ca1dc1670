/** Names: what an installer finds by DNS, whether forwarders answer, and whom this host itself asks. */
import type { Ipv4 } from '../../kit/ipv4.ts'
import type { Site } from '../../site/types.ts'
import { type Finding, finding } from '../finding.ts'
import { installerTexts } from './installer-texts.ts'

/** Of both TXT records; undefined where there is none. */
export type InstallerTexts = { url: string | undefined; fingerprint: string | undefined }

export type NamesEdge = {
  /** What the installer of an attempt has to be told; no fingerprint while there is no certificate. */
  due(): Promise<{ url: string; fingerprint?: string }>
  /** Milliseconds until a forwarder answered; undefined if it did not. */
  askForwarder(address: Ipv4): Promise<number | undefined>
  /** Name servers of /etc/resolv.conf. */
  resolvers(): Promise<readonly string[]>
}

/** A forwarder is asked so often, and waited for so long each time. */
export const ANSWER_TRIES = 2
export const ANSWER_MS = 2_000

type NamesSite = Pick<Site, 'dns' | 'network' | 'domain' | 'dhcp'>

/** In place of one that is not made yet. */
const NO_FINGERPRINT = '0'.repeat(64)

export async function lookAtNames(site: NamesSite, edge: NamesEdge): Promise<Finding[]> {
  const forwarders = await Promise.all(
    site.dns.forward.map(async address => {
      const tookMs = await edge.askForwarder(address)
      const subject = { subject: address }
      if (tookMs === undefined) return finding('forwarder-silent', `the forwarder ${address} does not answer`, subject)
      return finding('forwarder-answers', `the forwarder ${address} answers within ${Math.ceil(tookMs)} ms`, subject)
    }),
  )
  const due = await edge.due()
  return [
    ...judgePair(installerTexts(site, { fingerprint: NO_FINGERPRINT, ...due }), due, site),
    ...forwarders,
    ...judgeResolvers(await edge.resolvers(), site),
  ]
}

/** The installer reads one string of each record, and cuts longer ones (RFC 1035 §3.3.14 has 255 octets). */
const LONGEST_TEXT = 255

export function judgePair(
  { url, fingerprint }: InstallerTexts,
  expected: { url: string; fingerprint?: string },
  { domain }: Pick<Site, 'domain'>,
): Finding[] {
  const name = `proxmox-auto-installer.${domain}`
  const wrong = (what: string): Finding[] => [finding('dns-pair-wrong', `${name} TXT: ${what}`)]
  if (url !== expected.url) return wrong(url === undefined ? 'no answer URL' : 'another answer URL than it should have')
  if (url.length > LONGEST_TEXT) return wrong(`the answer URL has ${url.length} characters, and 255 fit`)
  if (expected.fingerprint !== undefined && readFingerprint(fingerprint) !== readFingerprint(expected.fingerprint))
    return wrong('the fingerprint is not that of the certificate')
  return [finding('dns-pair', `${name} tells the installer of an attempt its answer URL and the fingerprint`)]
}

const readFingerprint = (text: string | undefined): string | undefined => text?.replaceAll(':', '').toUpperCase()

export function judgeResolvers(
  resolvers: readonly string[],
  { dns, network }: Pick<Site, 'dns' | 'network'>,
): Finding[] {
  const asksUs = resolvers.length > 0 && resolvers.every(resolver => resolver === network.address)
  if (!asksUs || dns.forward.length > 0) return []
  return [finding('resolver-own', `this host asks ${network.address} for all names, and the site has no forwarder`)]
}
