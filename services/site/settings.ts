/** Every key of the site file that stands by itself: what it is in a site, and whether a running appliance can take another value. */
import { writeDuration, writeRate } from '../kit/amount.ts'
import { prefixToString } from '../kit/ipv4.ts'
import type { Finding, Path } from './finding.ts'
import type { Site } from './types.ts'

export type Setting = {
  /** As people name it: `dhcp.lease-time`. */
  key: string
  /** Undefined where it is not set. */
  of: (site: Site) => string | undefined
  /** Open sockets and files hang on it, and what machines were told. */
  needsRestart?: true
  /** What to do where it can't change, unless a restart does it all. */
  hint?: string
}

const list = (values: readonly string[]): string | undefined => (values.length === 0 ? undefined : values.join(', '))
const rate = (value: number | undefined): string | undefined => (value === undefined ? undefined : writeRate(value))
const listenOf = ({ console: { host, port } }: Site): string => `${host.includes(':') ? `[${host}]` : host}:${port}`

export const SETTINGS: readonly Setting[] = [
  { key: 'site.name', of: ({ name }) => name },
  { key: 'site.domain', of: ({ domain }) => domain, needsRestart: true },
  { key: 'network.interface', of: ({ network }) => network.interface, needsRestart: true },
  {
    key: 'network.address',
    of: ({ network: { address, prefix } }) => `${address}/${prefix.length}`,
    needsRestart: true,
  },
  { key: 'dhcp.mode', of: ({ dhcp }) => dhcp.mode, needsRestart: true },
  { key: 'dhcp.lease-time', of: ({ dhcp }) => writeDuration(dhcp.leaseSeconds * 1000) },
  { key: 'dhcp.authoritative', of: ({ dhcp }) => String(dhcp.authoritative) },
  { key: 'dhcp.probe', of: ({ dhcp }) => String(dhcp.probe) },
  { key: 'dhcp.answer-options', of: ({ dhcp }) => String(dhcp.answerOptions) },
  { key: 'dhcp.other-servers', of: ({ dhcp }) => list(dhcp.otherServers) },
  { key: 'dhcp.proxy-delay', of: ({ dhcp }) => writeDuration(dhcp.proxyDelayMs) },
  { key: 'dhcp.subnet-selection', of: ({ dhcp }) => String(dhcp.subnetSelection) },
  { key: 'dns.forward', of: ({ dns }) => list(dns.forward) },
  { key: 'dns.allow', of: ({ dns }) => list(dns.allow.map(prefixToString)) },
  { key: 'http.port', of: ({ http }) => String(http.port), needsRestart: true },
  { key: 'http.tls-port', of: ({ http }) => String(http.tlsPort), needsRestart: true },
  { key: 'http.certificate-file', of: ({ http }) => http.certificateFile },
  { key: 'http.key-file', of: ({ http }) => http.keyFile },
  { key: 'http.answer-format', of: ({ http }) => http.answerFormat },
  { key: 'http.answer-token-file', of: ({ http }) => http.answerTokenFile },
  { key: 'boot.unknown', of: ({ boot }) => boot.unknown },
  { key: 'boot.loaders', of: ({ boot }) => boot.loaders },
  { key: 'boot.loader', of: ({ boot }) => boot.loader },
  { key: 'boot.stall-after', of: ({ boot }) => writeDuration(boot.stallAfterMs) },
  { key: 'boot.rate-limit', of: ({ boot }) => rate(boot.rateLimit) },
  { key: 'boot.total-rate-limit', of: ({ boot }) => rate(boot.totalRateLimit) },
  { key: 'paths.isos', of: ({ paths }) => paths.isos, needsRestart: true },
  { key: 'paths.answers', of: ({ paths }) => paths.answers, needsRestart: true },
  {
    key: 'paths.state',
    of: ({ paths }) => paths.state,
    needsRestart: true,
    // A start in an empty folder knows no machine and no lease.
    hint: 'stop the appliance, move the folder there, and start it; or put the old value back',
  },
  { key: 'console.listen', of: listenOf, needsRestart: true },
  { key: 'console.users-file', of: ({ console }) => console.usersFile },
  { key: 'store.url', of: ({ store }) => store.url, needsRestart: true },
  { key: 'store.keep', of: ({ store }) => writeDuration(store.keepMs) },
  { key: 'log.level', of: ({ log }) => log.level },
  { key: 'log.format', of: ({ log }) => log.format, needsRestart: true },
]

export type ChangedSetting = { key: string; before?: string; after?: string }

function changedAmong(settings: readonly Setting[], before: Site, after: Site): ChangedSetting[] {
  return settings.flatMap(({ key, of }) => {
    const [was, is] = [of(before), of(after)]
    return was === is
      ? []
      : [{ key, ...(was === undefined ? {} : { before: was }), ...(is === undefined ? {} : { after: is }) }]
  })
}

export function changedSettings(before: Site, after: Site): ChangedSetting[] {
  return changedAmong(SETTINGS, before, after)
}

/** Where a key stands in the file. */
function pathOfSetting(key: string): Path {
  return key.split('.')
}

export type FixedSetting = { path: Path } & Pick<Finding, 'message' | 'hint'>

/** What a running appliance can't take of the next site, each key in a line. */
export function fixedSettings(before: Site, after: Site): FixedSetting[] {
  const fixed = SETTINGS.filter(({ needsRestart }) => needsRestart)
  const hints = new Map(fixed.map(({ key, hint }) => [key, hint]))
  return changedAmong(fixed, before, after).map(({ key, before: was, after: is }) => ({
    path: pathOfSetting(key),
    message: `${key} can't change while the appliance runs: it is ${was}, and would be ${is}`,
    hint: hints.get(key) ?? 'restart the appliance, or put the old value back',
  }))
}
