/** What machines run against the appliance: DHCP clients whose hook keeps what they were told, and one question to every service. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { ISO, type Outcome, type Rig, type Space, until } from './appliance-rig.ts'

const APPLIANCE = '10.77.0.1'

export type Lease = { variables: Map<string, string>; lease: string }

function hook(rig: Rig, client: string, setAddress: boolean): { file: string; told: string } {
  const [file, told] = [rig.path(`hook-${client}`), rig.path(`told-${client}`)]
  const set = setAddress ? 'ip addr replace "${new_ip_address:-$ip}/24" dev "$interface"' : ':'
  const lines = [
    '#!/bin/sh',
    'case "${reason:-$1}" in',
    `BOUND|REBOOT|RENEW|bound) env > ${told}.new; ${set}; mv ${told}.new ${told};;`,
    'esac',
    'exit 0',
    '',
  ]
  writeFileSync(file, lines.join('\n'), { mode: 0o755 })
  rmSync(told, { force: true })
  return { file, told }
}

function variablesIn(file: string): Map<string, string> {
  if (!existsSync(file)) return new Map()
  const lines = readFileSync(file, 'utf8').split('\n')
  return new Map(lines.map(line => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]))
}

const DHCLIENT_CONF = `
option proxmox-auto-installer-manifest-url code 250 = text;
option proxmox-auto-installer-cert-fingerprint code 251 = text;
timeout 8;
request subnet-mask, routers, domain-name, domain-name-servers, domain-search, host-name,
  proxmox-auto-installer-manifest-url, proxmox-auto-installer-cert-fingerprint;
`

/** ISC dhclient as the installer runs it, but in the foreground, so that it can be ended. It takes the address. */
export async function dhclient(rig: Rig, space: Space): Promise<Lease> {
  const { file, told } = hook(rig, 'dhclient', true)
  const [configuration, leases] = [rig.path('dhclient.conf'), rig.path('dhclient.leases')]
  writeFileSync(configuration, DHCLIENT_CONF)
  rmSync(leases, { force: true })
  const files = ['-cf', configuration, '-lf', leases, '-pf', rig.path('dhclient.pid'), '-sf', file]
  const client = rig.spawn(space, ['dhclient', '-4', '-d', '-1', ...files, 'eth0'])
  await until('an end of dhclient', () => existsSync(told) || !client.running)
  // A machine that boots on does not take it along.
  await client.kill()
  const lease = existsSync(leases) ? readFileSync(leases, 'utf8') : ''
  return { variables: variablesIn(told), lease }
}

/** BusyBox udhcpc: asks three times, a second apart, and ends. It does not take the address. */
export async function udhcpc(rig: Rig, space: Space, ...words: string[]): Promise<Lease> {
  const { file, told } = hook(rig, 'udhcpc', false)
  await rig.run(space, [
    'udhcpc',
    '-f',
    '-n',
    '-q',
    '-t',
    '3',
    '-T',
    '1',
    '-A',
    '1',
    '-i',
    'eth0',
    '-s',
    file,
    ...words,
  ])
  return { variables: variablesIn(told), lease: '' }
}

export function dig(rig: Rig, space: Space, ...words: string[]): Promise<Outcome> {
  return rig.run(space, ['dig', `@${APPLIANCE}`, '+tries=1', '+time=2', '+noall', '+short', ...words])
}

export function curl(rig: Rig, space: Space, path: string, ...words: string[]): Promise<Outcome> {
  return rig.run(space, [
    'curl',
    '-sS',
    '--connect-timeout',
    '2',
    '--max-time',
    '10',
    ...words,
    path.includes('://') ? path : `http://${APPLIANCE}${path}`,
  ])
}

/** Returns the file's octets, or undefined if it did not come. */
export async function tftp(rig: Rig, space: Space, name: string): Promise<Buffer | undefined> {
  const out = rig.path(`tftp-${space}`)
  rmSync(out, { force: true })
  const { status } = await rig.run(space, [
    'curl',
    '-sS',
    '--connect-timeout',
    '2',
    '--max-time',
    '5',
    '-o',
    out,
    `tftp://${APPLIANCE}/${name}`,
  ])
  return status === 0 ? readFileSync(out) : undefined
}

/** Which services answer a machine of the rack, and the command line. */
export async function answering(rig: Rig, site: string): Promise<Record<string, string | number | undefined>> {
  const lease = await udhcpc(rig, 'rack')
  const name = await until(
    'an answer of DNS',
    async () => (await dig(rig, 'rack', 'mirror.rack7.example.org')).stdout.trim() || undefined,
  )
  const overTcp = await dig(rig, 'rack', '+tcp', 'mirror.rack7.example.org')
  const plain = await curl(rig, 'rack', `/isos/${ISO}/vmlinuz`, '-o', '/dev/null', '-w', '%{http_code}')
  const secure = await curl(rig, 'rack', `https://${APPLIANCE}/answer`, '-k', '-o', '/dev/null', '-w', '%{http_code}')
  const machines = await rig.cli(site, 'machine', 'list', '--json')
  return {
    dhcp: lease.variables.get('ip'),
    dns: name,
    dnsTcp: overTcp.stdout.trim(),
    tftp: (await tftp(rig, 'rack', 'undionly.kpxe'))?.length,
    http: plain.stdout,
    https: secure.stdout,
    // Whoever booted beside it is listed, too.
    machines: (JSON.parse(machines.stdout || '[]') as { name: string }[]).find(machine => machine.name === 'node1')
      ?.name,
  }
}

export const ALL_ANSWER = {
  dhcp: '10.77.0.11',
  dns: '10.77.0.5',
  dnsTcp: '10.77.0.5',
  tftp: 74_000,
  http: '200',
  https: '405',
  machines: 'node1',
}
