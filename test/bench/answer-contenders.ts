/** The servers that answer: this appliance, with a rack that boots just now, and the small Python server that people write after the Proxmox wiki. */
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { generate } from 'selfsigned'
import { type Ipv4, ipv4FromNumber, ipv4ToNumber } from '../../services/kit/ipv4.ts'
import type { Mac } from '../../services/kit/mac.ts'
import { buildStandIn } from '../../services/lab/stand-in/build.ts'
import type { AttemptId } from '../../services/machine/event.ts'
import { attemptToken } from '../../services/machine/secrets.ts'
import { loadKey } from '../../services/store/key.ts'
import { openStore } from '../../services/store/store.ts'
import { applianceIn } from './appliance.ts'
import { SERVER_ADDRESS } from './network.ts'
import type { Contender } from './rounds.ts'

export const RACK = 100
export const TLS_PORT = 443

/** One machine of the rack: its address, its NIC, and what its installer posts. */
export type RackMachine = { name: string; mac: Mac; address: Ipv4; body: string }

const FIRST_ADDRESS = ipv4ToNumber('10.88.1.1' as Ipv4)
const SECOND_NICS = 0x80

function macOf(index: number, first = 0): Mac {
  return `bc:24:11:be:${(first + (index >> 8)).toString(16).padStart(2, '0')}:${(index & 255).toString(16).padStart(2, '0')}` as Mac
}

export const MACHINES: readonly RackMachine[] = Array.from({ length: RACK }, (_, index) => {
  const mac = macOf(index)
  const body = JSON.stringify({
    $schema: { version: '1.0' },
    product: { fullname: 'Proxmox VE', product: 'pve', enable_btrfs: true },
    iso: { release: '9.2', isorelease: '1' },
    dmi: {
      baseboard: { name: '0GYF3H', serial: `T80-${index}`, asset_tag: '' },
      chassis: { serial: `C-${index}`, sku: '', asset_tag: 'INV-004711' },
      system: { name: 'PowerEdge R6525', serial: `S-${index}`, sku: 'SKU=0AE9' },
    },
    network_interfaces: [
      { link: 'eno1', mac: mac.toUpperCase() },
      { link: 'eno2', mac: macOf(index, SECOND_NICS).toUpperCase() },
    ],
  })
  return { name: `node${index + 1}`, mac, address: ipv4FromNumber(FIRST_ADDRESS + index), body }
})

/** Large enough for a download to be under way all the time. */
const ISO_BYTES = 256 * 1024 * 1024
export const ISO_PATH = '/isos/proxmox-ve_9.2-1.iso/proxmox.iso'

const LEASE_MS = 3_600_000

/** The leases that the rack's machines hold by the time they ask. */
async function lease(state: string): Promise<void> {
  const store = await openStore(state)
  const now = Date.now()
  await Promise.all(
    MACHINES.map(({ address, mac }) =>
      store.leases.put({ address, mac, state: 'bound', boundAt: now, expiresAt: now + LEASE_MS }),
    ),
  )
  await store.close()
}

const SITE = `[dhcp]
probe = false
[[dhcp.subnet]]
prefix = "10.88.0.0/14"
pools = ["10.88.1.1-10.88.1.254"]
[[profile]]
name = "pve"
iso = "pve:9.2"
answers = ["base", "ext4"]
${MACHINES.map(({ name, mac }) => `[[machine]]\nname = "${name}"\nmac = ["${mac}"]\nprofile = "pve"\napprove = true\n`).join('')}`

export const rackrise: Contender = {
  name: 'rackrise',
  async prepare(folder) {
    const started = applianceIn(folder, SITE)
    const { file } = await buildStandIn({ folder: join(folder, 'isos'), kind: 'small', release: '9.2' })
    // What follows the last file of an image is nobody's.
    truncateSync(file, ISO_BYTES)
    await lease(join(folder, 'state'))
    return started
  },
}

/** The path at which a machine asks: its token goes with the attempt that its boot script named. */
export async function tokenOf(folder: string, attempt: string): Promise<string> {
  return attemptToken(await loadKey(join(folder, 'state')), attempt as AttemptId, 'answer')
}

const PYTHON_ANSWER = `[global]
keyboard = "en-us"
country = "at"
fqdn = "node.bench.example.org"
mailto = "root@bench.example.org"
timezone = "Europe/Vienna"
root-password-hashed = "$6$salt$R4oO3zZ1PaiVFkqdqBaDKLTa6YkJH0f4nQgBFrXg1vgNM6yNh9rnnDZYBM2rO9CFK.2rwvFdSeybQtSCkHqvk1"

[network]
source = "from-dhcp"

[disk-setup]
filesystem = "ext4"
disk-list = ["sda"]
`

export const python: Contender = {
  name: 'python',
  async prepare(folder) {
    const made = await generate([{ name: 'commonName', value: 'answers' }], { keyType: 'ec', curve: 'P-256' })
    writeFileSync(join(folder, 'cert.pem'), made.cert)
    writeFileSync(join(folder, 'key.pem'), made.private, { mode: 0o600 })
    mkdirSync(join(folder, 'answers'))
    for (const { mac } of MACHINES) writeFileSync(join(folder, 'answers', `${mac}.toml`), PYTHON_ANSWER)
    const program = join(import.meta.dirname, 'answer-server.py')
    return {
      command: ['/usr/bin/python3', '-u', program, folder, SERVER_ADDRESS, String(TLS_PORT)],
      ready: /Running on/,
    }
  },
}
