/** Foreign DHCP clients in a host's namespace, each in the foreground with folders of its own. What they were told is one line of theirs. */
import { writeFileSync } from 'node:fs'
import type { Program, Spaces } from './spaces.ts'

export type ClientName = 'dhclient' | 'udhcpc' | 'dhcpcd' | 'networkd'

/** What a client made of its ACK. */
export type Told = { address: string; server: string; router: string }

/** One hook for all: they differ in the names of their variables. Sets the address, as an installed hook would. */
const HOOK = `#!/bin/sh
address=\${new_ip_address:-$ip}
[ -n "$address" ] || exit 0
ip addr replace "$address/24" dev "\${interface:-eth0}"
echo "TOLD \${reason:-$1} $address by \${new_dhcp_server_identifier:-$serverid} router \${new_routers:-$router}"
exit 0
`

/** networkd finds what it needs below /run; with /sys read-only it does not wait for udev, as in a container. */
const NETWORKD = `[Match]
Name=eth0
[Network]
DHCP=ipv4
LinkLocalAddressing=no
IPv6AcceptRA=no
[DHCPv4]
SendRelease=yes
DUIDType=vendor
DUIDRawData=00:00:ab:11:f9:2a:c2:77:29:f9:5c:00
`

function script(spaces: Spaces, host: string, name: string, text: string): string {
  const file = spaces.path(`${host}-${name}`)
  writeFileSync(file, text, { mode: 0o755 })
  return file
}

/** `ip netns exec` gives each program a mount namespace of its own, so nothing below stays. */
function withFolders(folders: readonly string[], command: string): string {
  const mounts = folders.map(folder => `mkdir -p ${folder}; mount -t tmpfs tmpfs ${folder}`)
  return ['#!/bin/sh', ...mounts, command, ''].join('\n')
}

/** \`words\` are more of the client's own options. */
export function startClient(spaces: Spaces, host: string, client: ClientName, ...words: string[]): Program {
  const hook = script(spaces, host, 'hook', HOOK)
  switch (client) {
    case 'dhclient': {
      const files = ['-lf', spaces.path(`${host}.leases`), '-pf', spaces.path(`${host}.pid`), '-cf', '/dev/null']
      return spaces.start(host, ['dhclient', '-4', '-d', ...files, '-sf', hook, ...words, 'eth0'])
    }
    case 'udhcpc':
      return spaces.start(host, ['udhcpc', '-f', '-t', '8', '-T', '1', '-i', 'eth0', '-s', hook, ...words])
    case 'dhcpcd': {
      const configuration = script(spaces, host, 'dhcpcd.conf', 'duid\noption routers\nnoarp\n')
      const run = `exec dhcpcd -4 -B -f ${configuration} -c ${hook} ${words.join(' ')} eth0`
      const file = script(spaces, host, 'dhcpcd', withFolders(['/run/dhcpcd', '/var/lib/dhcpcd'], run))
      return spaces.start(host, [file])
    }
    case 'networkd': {
      const network = script(spaces, host, 'eth0.network', NETWORKD)
      const run = [
        'mkdir -p /run/systemd/network /run/systemd/netif/links /run/systemd/netif/leases',
        `cp ${network} /run/systemd/network/10-eth0.network`,
        'chown -R systemd-network /run/systemd/netif',
        'mount -o remount,ro /sys',
        'export SYSTEMD_LOG_LEVEL=info SYSTEMD_LOG_TARGET=console',
        'exec /lib/systemd/systemd-networkd',
      ].join('\n')
      return spaces.start(host, [script(spaces, host, 'networkd', withFolders(['/run'], run))])
    }
  }
}

const TOLD = /^TOLD \S+ (?<address>\S+) by (?<server>\S+) router (?<router>\S+)$/
const TOLD_BY_NETWORKD =
  /DHCPv4 address (?<address>[0-9.]+)\/\d+, gateway (?<router>[0-9.]+) acquired from (?<server>[0-9.]+)/

/** Waits until the client has its address. */
export async function toldTo(program: Program): Promise<Told> {
  const either = new RegExp(`${TOLD.source}|${TOLD_BY_NETWORKD.source.replaceAll('?<', '?<n')}`)
  const line = await program.said(either)
  const { address, server, router } = (TOLD.exec(line) ?? TOLD_BY_NETWORKD.exec(line))!.groups as Told
  return { address, server, router }
}
