/** The first site file of an appliance: the few things that nobody can guess, as TOML that its reader takes. */
import {
  broadcastOf,
  type Ipv4,
  ipv4FromNumber,
  ipv4ToNumber,
  parseInterfaceAddress,
  parseRange,
  prefixToString,
  type Range,
} from '../kit/ipv4.ts'

export type FirstSite = {
  domain: string
  interface: string
  /** With the length of its mask. */
  address: string
  mode: 'server' | 'proxy'
  /** Two addresses with a dash between them; only where this appliance gives the addresses. */
  pool?: string
  router?: string
  /** Names of layers for the one profile; none: no profile. */
  answers: readonly string[]
  /** Absent: beside the answers. */
  isos?: string
}

const POOL_MOST = 100

/** The longest run of addresses of a network that are nobody's, its end first, a hundred at most: `10.77.0.155-10.77.0.254`. */
export function suggestPool(address: string, taken: readonly string[]): string | undefined {
  const own = parseInterfaceAddress(address)
  if (!own) return undefined
  const first = ipv4ToNumber(own.prefix.network) + 1
  const last = ipv4ToNumber(broadcastOf(own.prefix)) - 1
  const used = [own.address, ...taken]
    .map(one => ipv4ToNumber(one as Ipv4))
    .filter(one => one >= first && one <= last)
    .toSorted((a, b) => a - b)
  let best: [from: number, to: number] = [0, -1]
  let from = first
  for (const stop of [...used, last + 1]) {
    if (stop - from > best[1] - best[0] + 1) best = [from, stop - 1]
    from = stop + 1
  }
  const [start, end] = best
  if (end < start) return undefined
  return `${ipv4FromNumber(Math.max(start, end - POOL_MOST + 1))}-${ipv4FromNumber(end)}`
}

/** How many addresses a pool has, for people; undefined if it is none. */
export function poolSize(pool: string): number | undefined {
  const range: Range | undefined = parseRange(pool)
  return range && ipv4ToNumber(range.last) - ipv4ToNumber(range.first) + 1
}

const quoted = (text: string): string => JSON.stringify(text)

function subnetText({ address, pool, router }: FirstSite): string[] {
  const own = parseInterfaceAddress(address)
  return [
    '[[dhcp.subnet]]',
    `prefix = ${quoted(own ? prefixToString(own.prefix) : address)}`,
    ...(pool === undefined ? [] : [`pools = [${quoted(pool)}]`]),
    ...(router === undefined ? [] : [`router = ${quoted(router)}`]),
    '',
  ]
}

/** What is wrong with a value the reader of site files tells, as of any other file. */
export function firstSiteText(site: FirstSite): string {
  const { domain, mode, answers } = site
  return [
    '# The site file of Rackrise. Every other key, with its default and what it is for, is in the commented example,',
    '# config/site.toml. `rackrise check` finds what is wrong, `rackrise serve` runs the appliance.',
    '',
    '[site]',
    `domain = ${quoted(domain)}`,
    '',
    '[network]',
    `interface = ${quoted(site.interface)}`,
    `address = ${quoted(site.address)}`,
    '',
    '[dhcp]',
    `mode = ${quoted(mode)}${mode === 'proxy' ? '   # another DHCP server gives the addresses' : ''}`,
    '',
    ...subnetText(site),
    ...(site.isos === undefined ? [] : ['[paths]', `isos = ${quoted(site.isos)}`, '']),
    ...(answers.length === 0
      ? [
          '# What a machine gets: put layers into answers/ first.',
          '#[[profile]]',
          '#name = "pve"',
          '#iso = "pve:latest"',
          '#answers = ["base"]',
        ]
      : [
          '# What a machine gets: the newest Proxmox VE in isos/, with these layers of answers/.',
          '[[profile]]',
          'name = "pve"',
          'iso = "pve:latest"',
          `answers = [${answers.map(quoted).join(', ')}]`,
        ]),
    '',
    '# Machines that nobody lists are held until somebody approves them. One that is known by name:',
    '#[[machine]]',
    '#name = "node1"',
    '#mac = ["bc:24:11:ab:12:21"]',
    ...(answers.length === 0 ? [] : ['#profile = "pve"']),
    '',
  ].join('\n')
}
