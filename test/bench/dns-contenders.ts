/** The DNS servers that are measured, each on one core, with the same zone and the same upstream resolver. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type BenchNetwork, CLIENT_ADDRESS, PREFIX, type Running, SERVER_ADDRESS } from './network.ts'
import type { Contender } from './rounds.ts'

const HERE = import.meta.dirname
export const DOMAIN = 'bench.example.org'
const FOREIGN = 'mirrors.example.net'
/** Where the resolver stands that all of them forward to. */
const UPSTREAM = '127.0.0.53'
const NAMES = 250
/** Server and generator do not share a core. */
const SERVER_CORE = '0'
export const CLIENT_CORE = '1'
const TTL_SECONDS = 300
const FOREIGN_TTL_SECONDS = 86_400

export type Entry = { name: string; type: 'A' | 'TXT'; value: string }

const numbers = Array.from({ length: NAMES }, (_, index) => index)
const urlOf = (name: string): string => `https://${SERVER_ADDRESS}/answer/0123456789abcdef0123456789abcdef/${name}`

/** What is the same for everybody: in the site file. */
export const WRITTEN: readonly Entry[] = numbers.flatMap(index => [
  { name: `host${index}.${DOMAIN}`, type: 'A', value: `10.88.1.${index + 1}` },
  { name: `text${index}.${DOMAIN}`, type: 'TXT', value: urlOf(`text${index}`) },
])
/** Machines with a lease: the appliance looks at the lease each time. */
export const MACHINES: readonly Entry[] = numbers.map(index => ({
  name: `node${index}.${DOMAIN}`,
  type: 'A',
  value: `10.88.2.${index + 1}`,
}))
/** What an installer asks for: the appliance looks at who asks. */
export const INSTALLER: Entry = { name: `proxmox-auto-installer.${DOMAIN}`, type: 'TXT', value: urlOf('machine') }
/** Known upstream only. */
export const ABROAD: readonly Entry[] = numbers.map(index => ({
  name: `host${index}.${FOREIGN}`,
  type: 'A',
  value: `10.91.0.${index + 1}`,
}))

export const OURS = [...WRITTEN, ...MACHINES, INSTALLER]

const onServerCore = (...command: string[]): string[] => ['taskset', '-c', SERVER_CORE, ...command]

export const rackrise: Contender = {
  name: 'rackrise',
  async prepare() {
    const command = [process.execPath, join(HERE, 'dns-server.ts'), SERVER_ADDRESS, CLIENT_ADDRESS, UPSTREAM]
    return { command: onServerCore(...command), ready: /is serving/ }
  },
}

function dnsmasqLines(entries: readonly Entry[], ttl: number): string[] {
  const lines = entries.map(({ name, type, value }) =>
    type === 'A' ? `host-record=${name},${value}` : `txt-record=${name},${value}`,
  )
  return [...lines, `local-ttl=${ttl}`, 'no-resolv', 'no-hosts', 'user=root', 'bind-interfaces', 'no-daemon']
}

export const dnsmasq: Contender = {
  name: 'dnsmasq',
  async prepare(folder) {
    const file = join(folder, 'dnsmasq.conf')
    const about = [`listen-address=${SERVER_ADDRESS}`, 'except-interface=lo', `server=${UPSTREAM}`, 'cache-size=10000']
    writeFileSync(file, [...dnsmasqLines(OURS, TTL_SECONDS), ...about, ''].join('\n'))
    return { command: onServerCore('dnsmasq', `--conf-file=${file}`), ready: /started, version/ }
  },
}

function unboundText(): string {
  const data = OURS.map(({ name, type, value }) => {
    const shown = type === 'A' ? value : `"${value}"`
    return `  local-data: '${name}. ${TTL_SECONDS} IN ${type} ${shown}'`
  })
  return `server:
  interface: ${SERVER_ADDRESS}
  access-control: ${PREFIX} allow
  num-threads: 1
  use-syslog: no
  logfile: ""
  chroot: ""
  username: ""
  pidfile: ""
  do-daemonize: no
  do-not-query-localhost: no
  module-config: "iterator"
  local-zone: "${DOMAIN}." static
${data.join('\n')}
remote-control:
  control-enable: no
forward-zone:
  name: "."
  forward-addr: ${UPSTREAM}
`
}

export const unbound: Contender = {
  name: 'unbound',
  async prepare(folder) {
    const file = join(folder, 'unbound.conf')
    writeFileSync(file, unboundText())
    return { command: onServerCore('unbound', '-d', '-v', '-c', file), ready: /start of service/ }
  },
}

/** The resolver that knows the names abroad; it is asked once for each and then no more. */
export async function startUpstream(network: BenchNetwork): Promise<Running> {
  const file = join(network.freshFolder('upstream'), 'dnsmasq.conf')
  const lines = [...dnsmasqLines(ABROAD, FOREIGN_TTL_SECONDS), `listen-address=${UPSTREAM}`, '']
  writeFileSync(file, lines.join('\n'))
  const running = network.spawn('server', ['dnsmasq', `--conf-file=${file}`])
  await running.untilReady('the upstream resolver', /started, version/)
  return running
}
