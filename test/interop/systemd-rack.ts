/** The appliance in a systemd of its own: installed, enabled, with a rack at eth1. */
import { execFileSync } from 'node:child_process'
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { buildStandIn } from '../../services/lab/stand-in/build.ts'
import { ROOT } from './appliance-rig.ts'
import { SystemdSpace } from './systemd-space.ts'

export const SITE = `[site]
name = "rack-7"
domain = "rack7.example.org"

[network]
interface = "eth1"
address = "10.77.0.1/24"

[[dhcp.subnet]]
prefix = "10.77.0.0/24"
pools = ["10.77.0.100-10.77.0.199"]

[paths]
isos = "/srv/rackrise/isos"
answers = "/etc/rackrise/answers"

[[profile]]
name = "pve"
iso = "proxmox-ve_9.2-1.iso"
answers = ["base", "ext4"]

[[machine]]
name = "node1"
mac = ["52:54:00:77:00:11"]
address = "10.77.0.11"
profile = "pve"
`

export const PLUG = `
ip link add eth1 type veth peer name eth0 netns rack
ip addr add 10.77.0.1/24 dev eth1
ip link set eth1 up
ip -n rack link set eth0 address 52:54:00:77:00:11 up
ip -n rack addr add 10.77.0.60/24 dev eth0
`

const WIRE = `
ip link set lo up
ip netns add rack
ip -n rack link set lo up
${PLUG}`

/** Half a minute is long for a test, and tests start it more often than anybody else. */
const PATIENCE = `
mkdir -p /etc/systemd/system/rackrise.service.d
printf '[Unit]\\nStartLimitIntervalSec=0\\n[Service]\\nWatchdogSec=4\\n' > /etc/systemd/system/rackrise.service.d/test.conf
`

function buildDeb(folder: string): void {
  const words = [
    'packaging/package.ts',
    '--arch',
    process.arch === 'arm64' ? 'arm64' : 'amd64',
    '--quick',
    '--out',
    folder,
  ]
  execFileSync(process.execPath, words, { cwd: ROOT, stdio: 'pipe' })
}

/** There is no archive to be asked, and nobody reads manual pages. */
const APT = 'rm -rf /etc/apt/sources.list* /var/lib/man-db/auto-update'

/** What Vagrant shares with a machine of its own. */
function fillShare(space: SystemdSpace): void {
  for (const name of ['config', 'answers']) cpSync(join(ROOT, name), join(space.rig, name), { recursive: true })
  buildDeb(join(space.rig, 'package'))
}

/** A systemd with a rack at eth1, which has what Vagrant shares in its `/srv/rig`, and nothing installed. */
export async function openRack(): Promise<SystemdSpace> {
  const space = await SystemdSpace.boot()
  try {
    await buildStandIn({ folder: join(space.rig, 'isos'), kind: 'small' })
    fillShare(space)
    await must(space, `set -e; ${WIRE} ${PATIENCE} ${APT}`)
    return space
  } catch (error) {
    await space.close()
    throw error
  }
}

export async function writeSite(space: SystemdSpace, text: string): Promise<void> {
  await must(space, `cat > /etc/rackrise/site.toml << 'END'\n${text}\nEND\nsystemctl daemon-reload`)
}

/** What it printed; throws with what it complained of when it fails. */
export async function must(space: SystemdSpace, script: string): Promise<string> {
  const { status, stdout, stderr } = await space.run(script)
  if (status !== 0) throw new Error(`${script}: ${status}\n${stdout}${stderr}`)
  return stdout
}

/** Properties of the service, as systemd has them. */
export async function show(space: SystemdSpace, ...names: string[]): Promise<Record<string, string>> {
  const text = await must(space, `systemctl show rackrise.service --property ${names.join(',')}`)
  return Object.fromEntries(
    text
      .trim()
      .split('\n')
      .map(line => line.split(/=(.*)/s).slice(0, 2) as [string, string]),
  )
}
