/** The socket of sd_notify(3): Node has no datagrams between local sockets, so they are sent through libc. Nothing ever waits for the manager. */
import koffi from 'koffi'
import { aliveEvery, type SendNotice, ServiceManager, unixAddress } from './notify.ts'

/** Values of <bits/socket.h>, equal on x86-64 and arm64. */
const AF_UNIX = 1
const SOCK_DGRAM = 2
const SOCK_CLOEXEC = 0o2000000
const MSG_DONTWAIT = 0x40
const MSG_NOSIGNAL = 0x4000

/** One descriptor for the life of the process. Undefined where there is no such address or no socket to be had. */
function openNotices(name: string): SendNotice | undefined {
  const address = unixAddress(name)
  if (!address) return undefined
  const library = koffi.load('libc.so.6')
  const fd = library.func('int socket(int, int, int)')(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0) as number
  if (fd < 0) return undefined
  const sendto = library.func('long sendto(int, const uint8_t *, size_t, int, const uint8_t *, uint32_t)')
  return text => {
    const bytes = Buffer.from(text)
    return sendto(fd, bytes, bytes.length, MSG_DONTWAIT | MSG_NOSIGNAL, address, address.length) === bytes.length
  }
}

/** The manager that started this process, by NOTIFY_SOCKET and WATCHDOG_USEC; one that hears nothing where nobody manages it. */
export function serviceManager(environment: Record<string, string | undefined>, pid: number): ServiceManager {
  const name = environment['NOTIFY_SOCKET']
  const send = name === undefined ? undefined : openNotices(name)
  return new ServiceManager(send, () => process.hrtime.bigint(), aliveEvery(environment, pid))
}
