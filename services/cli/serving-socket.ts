/**
 * The control socket of the appliance that serves a site file, wherever its state lies: `paths.state` may have been edited since it was started. The kernel
 * lists the sockets that somebody listens on, and who answers there says which file it serves.
 */
import { readFile, realpath } from 'node:fs/promises'
import { askJson, CONTROL_SOCKET, type ControlSocket, isListening } from '../console/remote-fleet.ts'
import type { ApplianceView } from '../console/schema/appliance.ts'
import { isProblem } from '../kit/is-problem.ts'

/** proc_net_unix(5): of this network namespace. */
const UNIX_SOCKETS = '/proc/self/net/unix'
/** Num, RefCount, Protocol, Flags (with `__SO_ACCEPTCON`), Type (stream), St, Inode, Path. */
const LISTENING = /^[0-9a-f]+: [0-9A-F]+ [0-9A-F]+ 0001[0-9A-F]{4} 0001 [0-9A-F]+ +\d+ (\/.+)$/gm

export function controlSocketsIn(table: string): string[] {
  const paths = [...table.matchAll(LISTENING)].map(([, path]) => path!)
  return [...new Set(paths.filter(path => path.endsWith(`/${CONTROL_SOCKET}`)))]
}

const real = (file: string): Promise<string | undefined> => realpath(file).catch(() => undefined)

/** Undefined where none serves it, or none that this user may ask. */
export async function socketServing(file: string, user: string): Promise<ControlSocket | undefined> {
  const wanted = await real(file)
  const table = await readFile(UNIX_SOCKETS, 'utf8').catch(() => '')
  for (const path of wanted === undefined ? [] : controlSocketsIn(table)) {
    const socket = { path, user }
    if (!(await isListening(path))) continue
    const about = await askJson<ApplianceView>(socket, 'GET', '/api/v1/appliance')
    if (!isProblem(about) && (await real(about.siteFile.file)) === wanted) return socket
  }
  return undefined
}
