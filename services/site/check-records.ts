/** Static DNS records: names inside the zone, values that fit their type, and nothing in the installer's way. */
import { parseIpv4 } from '../kit/ipv4.ts'
import type { CheckView } from './check-view.ts'
import { parseDnsName, parseOwnerName } from './fields.ts'
import { shown, wrong, type Finding, type Path } from './finding.ts'
import type { RecordType } from './types.ts'

/** Names that installers ask below the domain; exactly one record may be there, and it is answered per machine. */
export const INSTALLER_NAMES = ['proxmox-auto-installer', 'proxmox-auto-installer-cert-fingerprint'] as const

/**
 * The full name of a record, in lower case without the dot at its end; undefined if it is no name. `@` is the domain
 * itself, a name that ends in a dot is full already (RFC 1035 §5.1).
 */
export function fullName(written: string, domain: string): string | undefined {
  if (written === '@') return domain
  return parseOwnerName(written.endsWith('.') ? written.slice(0, -1) : `${written}.${domain}`)
}

type Named = { name: string; type: RecordType | undefined; value: string | undefined; path: Path }

export function checkRecords({ draft }: CheckView): Finding[] {
  const domain = draft.site.domain
  const findings: Finding[] = []
  const named: Named[] = []
  draft.dns.record.forEach(({ name, type, value }, at) => {
    const path = ['dns', 'record', at]
    if (type !== undefined && value !== undefined) findings.push(...checkValue(type, value, [...path, 'value']))
    if (name === undefined || domain === undefined) return
    const full = fullName(name, domain)
    findings.push(...checkName(name, full, { type, domain, path: [...path, 'name'] }))
    if (full !== undefined) named.push({ name: full, type, value, path: [...path, 'name'] })
  })
  return [...findings, ...checkTogether(named)]
}

type NamePlace = { type: RecordType | undefined; domain: string; path: Path }

function checkName(written: string, full: string | undefined, { type, domain, path }: NamePlace): Finding[] {
  if (full === undefined) {
    return [wrong('bad-value', path, `${shown(written)} is not a name`, 'write it relative to the domain, as "mirror"')]
  }
  if (INSTALLER_NAMES.some(name => full === `${name}.${domain}`)) {
    const hint = 'remove it: the appliance answers it for each machine'
    return [wrong('bad-value', path, `${shown(written)} belongs to the installer`, hint)]
  }
  if (type === 'PTR') {
    const isReverse = full.endsWith('.in-addr.arpa') || full.endsWith('.ip6.arpa')
    const hint = 'write the full reverse name with a dot at its end, as "5.0.77.10.in-addr.arpa."'
    return isReverse ? [] : [wrong('outside', path, `${shown(written)} is not a reverse name`, hint)]
  }
  if (full === domain || full.endsWith(`.${domain}`)) return []
  return [wrong('outside', path, `${full} is outside the domain ${domain}`, 'write names of the own domain only')]
}

function isName(text: string): boolean {
  const name = text.endsWith('.') ? text.slice(0, -1) : text
  return name.includes('.') && parseDnsName(name) !== undefined
}

function isShort(text: string): boolean {
  return /^\d{1,5}$/.test(text) && Number(text) <= 0xffff
}

/** Numbers first, a name last: `10 mail.example.org`, `0 5 443 www.example.org`. */
function isNumbersAndName(text: string, numbers: number): boolean {
  const parts = text.split(' ')
  return parts.length === numbers + 1 && parts.slice(0, -1).every(isShort) && isName(parts.at(-1) ?? '')
}

const NAME_HINT = 'write the full name, as "www.example.org"'
const VALUES: Record<RecordType, { fits: (value: string) => boolean; hint: string }> = {
  A: { fits: value => parseIpv4(value) !== undefined, hint: 'write an IPv4 address' },
  AAAA: {
    fits: value => /^[\da-f:.]+$/i.test(value) && URL.canParse(`http://[${value}]`),
    hint: 'write an IPv6 address',
  },
  CNAME: { fits: isName, hint: NAME_HINT },
  PTR: { fits: isName, hint: NAME_HINT },
  // One character-string (RFC 1035 §3.3): resolvers show several ones apart.
  TXT: { fits: value => /^[\x20-\x7e]{1,255}$/.test(value), hint: 'write 1 to 255 printable ASCII characters' },
  MX: { fits: value => isNumbersAndName(value, 1), hint: 'write preference and name, as "10 mail.example.org"' },
  SRV: {
    fits: value => isNumbersAndName(value, 3),
    hint: 'write priority, weight, port and name, as "0 5 443 www.example.org"',
  },
}

function checkValue(type: RecordType, value: string, path: Path): Finding[] {
  if (VALUES[type].fits(value)) return []
  return [wrong('bad-value', path, `${shown(value)} is not a value of type ${type}`, VALUES[type].hint)]
}

/** RFC 1034 §3.6.2: a name with a CNAME has no other record; and no record is there twice. */
function checkTogether(named: Named[]): Finding[] {
  const findings: Finding[] = []
  const byName = Map.groupBy(named, ({ name }) => name)
  for (const group of byName.values()) {
    const alias = group.find(({ type }) => type === 'CNAME')
    const seen = new Map<string, Path>()
    for (const { type, value, path } of group) {
      const key = `${type} ${value}`
      const first = seen.get(key)
      if (first && type && value)
        findings.push({ ...wrong('duplicate', path, 'this record is there twice', 'remove one'), other: first })
      else if (alias && path !== alias.path) {
        const message = 'this name is an alias (CNAME) too'
        findings.push({ ...wrong('duplicate', path, message, 'an alias has no other records'), other: alias.path })
      }
      seen.set(key, path)
    }
  }
  return findings
}
