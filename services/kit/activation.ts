/**
 * Sockets handed over by the service manager: descriptors from 3 on, named by FileDescriptorName= of the socket units
 * (sd_listen_fds_with_names(3)). With them the process needs no capability at all.
 */

const FIRST_DESCRIPTOR = 3

/** Names of the units: dhcp, boot-server, dhcp-watch, dns, tftp (UDP) and dns-tcp, http, https (TCP). */
export type HandedSockets = Map<string, number>

/** Reads LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES; descriptors meant for another process are not ours. */
export function handedSockets(environment: Record<string, string | undefined>, pid: number): HandedSockets {
  const handed: HandedSockets = new Map()
  if (environment['LISTEN_PID'] !== String(pid)) return handed
  const count = Number(environment['LISTEN_FDS'] ?? 0)
  const names = (environment['LISTEN_FDNAMES'] ?? '').split(':')
  for (const [index, name] of names.entries()) if (name && index < count) handed.set(name, FIRST_DESCRIPTOR + index)
  return handed
}
