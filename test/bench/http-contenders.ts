/** The two HTTP servers that are measured. They run side by side and send the same file from the same page cache, so that they can take turns within seconds. */
import { chmodSync, linkSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Ipv4 } from '../../services/kit/ipv4.ts'
import { applianceIn } from './appliance.ts'
import { CLIENT_ADDRESS, PREFIX, SERVER_ADDRESS } from './network.ts'
import type { Started } from './rounds.ts'

/** The last release whose installers know no token, so that the answer can be asked for with what a bench knows. */
export const RELEASE = '9.1'
export const ISO = `proxmox-ve_${RELEASE}-1.iso`

/** The machine that installs itself: perfdhcp takes its lease, and clients stand at its address. */
export const MACHINE = { mac: '02:0c:0f:00:00:00', address: '10.88.0.3' as Ipv4 }
export const NGINX_PORT = 8080

const SITE = `[dhcp]
probe = false
[[dhcp.subnet]]
prefix = "${PREFIX}"
pools = ["10.89.0.0-10.90.255.255"]
relays = ["${CLIENT_ADDRESS}"]
[[profile]]
name = "bench"
iso = "${ISO}"
answers = ["base", "ext4"]
[[machine]]
name = "node1"
mac = ["${MACHINE.mac}"]
address = "${MACHINE.address}"
profile = "bench"
approve = true`

/** The whole appliance as it is shipped. `files` is the folder with the ISO. */
export function rackrise(folder: string, files: string): Started {
  const started = applianceIn(folder, SITE)
  linkSync(join(files, ISO), join(folder, 'isos', ISO))
  return started
}

/** With what Debian's nginx.conf says of workers and files, and no log of requests. */
export function nginx(folder: string, files: string): Started {
  const file = join(folder, 'nginx.conf')
  mkdirSync(join(folder, 'logs'))
  // Its workers are nobody's own, and have to get at the ISO.
  for (const place of [folder, files, join(folder, '..')]) chmodSync(place, 0o755)
  writeFileSync(
    file,
    `worker_processes auto;
daemon off;
pid ${join(folder, 'pid')};
error_log stderr;
events { worker_connections 768; }
http {
  sendfile on;
  tcp_nopush on;
  types_hash_max_size 2048;
  access_log off;
  server { listen ${SERVER_ADDRESS}:${NGINX_PORT}; root ${files}; }
}
`,
  )
  return { command: ['nginx', '-p', folder, '-c', file, '-e', 'stderr'], ready: async () => true }
}
