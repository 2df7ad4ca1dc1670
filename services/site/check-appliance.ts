/** The appliance itself: its address, its domain, its ports, where its secrets are. */
import { broadcastOf, prefixContains, prefixToString } from '../kit/ipv4.ts'
import type { CheckView } from './check-view.ts'
import { doubtful, shown, wrong, type Finding } from './finding.ts'

export function checkAppliance(view: CheckView): Finding[] {
  return [
    ...checkAddress(view),
    ...checkDomain(view),
    ...checkPorts(view),
    ...checkOtherServers(view),
    ...checkCertificate(view),
    ...checkUrls(view),
    ...checkUnknown(view),
    ...checkRates(view),
  ]
}

function checkAddress({ draft, own, isLost }: CheckView): Finding[] {
  if (own) {
    const { address, prefix } = own
    const isHost = prefix.length >= 31 || (address !== prefix.network && address !== broadcastOf(prefix))
    if (isHost) return []
    const message = `${address} is the first or last address of ${prefixToString(prefix)}, not one of a host`
    return [
      wrong('bad-value', ['network', 'address'], message, 'write the address of this appliance, as "10.77.0.1/24"'),
    ]
  }
  const name = draft.network.interface
  if (name === undefined || isLost('network.address')) return []
  const hint = 'set "address" in [network], or give the interface an address'
  return [wrong('no-address', ['network', 'interface'], `interface ${shown(name)} has no IPv4 address here`, hint)]
}

/** The longest name that the appliance puts before the domain; the whole must stay within 253 (RFC 1035 §2.3.4). */
const LONGEST_OWN_NAME = 'proxmox-auto-installer-cert-fingerprint.'.length
const LONGEST_NAME = 253

function checkDomain({ draft }: CheckView): Finding[] {
  const domain = draft.site.domain
  if (domain === undefined) return []
  const path = ['site', 'domain']
  if (domain.length + LONGEST_OWN_NAME > LONGEST_NAME) {
    const message = `the domain is too long for the names that installers ask for below it`
    return [wrong('bad-value', path, message, `write at most ${LONGEST_NAME - LONGEST_OWN_NAME} characters`)]
  }
  if (domain === 'local' || domain.endsWith('.local')) {
    // RFC 6762 §3: resolvers send such names to multicast DNS and never to us.
    return [doubtful(path, `${shown(domain)} belongs to multicast DNS`, 'choose a domain that does not end in .local')]
  }
  return []
}

/** DNS has it over TCP, too. */
const DNS_PORT = 53

const LOOPBACK = /^(127\.|::1$|localhost$)/

function checkPorts({ draft, own }: CheckView): Finding[] {
  const { port, 'tls-port': tlsPort } = draft.http
  const { listen, 'users-file': usersFile } = draft.console
  const findings: Finding[] = []
  if (port === tlsPort) {
    const message = `port ${port} is also the plain port`
    findings.push(wrong('duplicate', ['http', 'tls-port'], message, 'choose another port for TLS'))
  }
  const isShared = listen.host === own?.address || listen.host === '0.0.0.0' || listen.host === '::'
  if (isShared && [port, tlsPort, DNS_PORT].includes(listen.port)) {
    const message = `port ${listen.port} of ${listen.host} also serves ${listen.port === DNS_PORT ? 'DNS' : 'boot files and answers'}`
    findings.push(wrong('duplicate', ['console', 'listen'], message, 'choose another port for the console'))
  }
  if (!LOOPBACK.test(listen.host) && !usersFile) {
    const message = `the console listens on ${listen.host} and has no users`
    findings.push(doubtful(['console', 'listen'], message, 'set "users-file", or listen on 127.0.0.1'))
  }
  return findings
}

function checkOtherServers({ draft, own }: CheckView): Finding[] {
  return draft.dhcp['other-servers'].flatMap((address, at) => {
    if (address !== own?.address) return []
    const message = `${address} is this appliance`
    return [wrong('bad-value', ['dhcp', 'other-servers', at], message, 'name the other servers only')]
  })
}

function checkCertificate({ draft, isLost }: CheckView): Finding[] {
  const { 'certificate-file': certificate, 'key-file': key } = draft.http
  if (certificate && !key && !isLost('http.key-file')) {
    const message = '"certificate-file" in [http] has no "key-file" beside it'
    return [wrong('missing-key', ['http', 'certificate-file'], message, 'set both, or neither')]
  }
  if (key && !certificate && !isLost('http.certificate-file')) {
    const message = '"key-file" in [http] has no "certificate-file" beside it'
    return [wrong('missing-key', ['http', 'key-file'], message, 'set both, or neither')]
  }
  return []
}

/** No address of a service carries a password: secrets are in files (M05). Their text is never shown. */
function checkUrls({ draft }: CheckView): Finding[] {
  const findings: Finding[] = []
  draft.webhook.forEach(({ url }, at) => {
    if (url === undefined || !hasPassword(url)) return
    const message = 'the webhook URL has a name or password in it'
    findings.push(
      wrong('inline-secret', ['webhook', at, 'url'], message, 'take it out; "secret-file" signs what is sent'),
    )
  })
  draft.webhook.forEach(({ url }, at) => {
    const first = draft.webhook.findIndex(other => other.url === url)
    if (url === undefined || first === at) return
    const found = wrong('duplicate', ['webhook', at, 'url'], 'another webhook has this URL', 'name its events in one')
    findings.push({ ...found, other: ['webhook', first, 'url'] })
  })
  const store = draft.store.url
  const path = ['store', 'url']
  if (store === 'sqlite') return findings
  const isPostgres = URL.canParse(store) && /^postgres(ql)?:\/\/[^/]+\/.+/.test(store)
  if (!isPostgres) {
    const hint = 'write "sqlite", or "postgres://user@host/database"'
    return [...findings, wrong('bad-value', path, '"url" in [store] names no store', hint)]
  }
  const { password, searchParams } = new URL(store)
  if (password !== '' || searchParams.has('password')) {
    const hint = 'take it out and put it into the file that PGPASSFILE names'
    findings.push(wrong('inline-secret', path, 'the store URL has a password in it', hint))
  }
  return findings
}

function hasPassword(url: string): boolean {
  const { username, password } = new URL(url)
  return username !== '' || password !== ''
}

function checkUnknown({ draft }: CheckView): Finding[] {
  if (draft.boot.unknown !== 'install') return []
  const message = 'every machine that boots from this network is erased'
  return [doubtful(['boot', 'unknown'], message, 'use "install" in a lab only; elsewhere "hold"')]
}

function checkRates({ draft }: CheckView): Finding[] {
  const { 'rate-limit': machine, 'total-rate-limit': total } = draft.boot
  if (!machine || !total || machine <= total) return []
  const message = 'one machine may have more than all of them together'
  return [
    doubtful(['boot', 'rate-limit'], message, 'make "rate-limit" smaller than "total-rate-limit", or leave it out'),
  ]
}

/** Whether the appliance's address lies in one of the subnets it gives addresses in. */
export function servesOwnNetwork({ draft, own }: CheckView): boolean {
  return own !== undefined && draft.dhcp.subnet.some(({ prefix }) => prefix && prefixContains(prefix, own.address))
}
