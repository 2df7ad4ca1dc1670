/** Port 68 of the interface: of a command its own, beside whoever else listens there; of the appliance that of its watch. */
import type { ServerWatch } from '../../dhcp/server-watch.ts'
import { SERVER_PORT } from '../../dhcp/message.ts'
import { LIMITED_BROADCAST, UNSPECIFIED } from '../../kit/ipv4.ts'
import { openNativeSocket } from '../../kit/native-socket.ts'
import { EnvironmentProblem, type Problem } from '../../kit/problem.ts'
import { adoptUdpPort } from '../../kit/udp-port.ts'
import type { Ear } from '../probe/servers.ts'

const CLIENT_PORT = 68

export async function openEar(device: string): Promise<Ear | Problem> {
  try {
    const fd = openNativeSocket('udp', { device, address: UNSPECIFIED, port: CLIENT_PORT, shared: true })
    const port = await adoptUdpPort(fd)
    return {
      say: bytes => port.send(bytes, { address: LIMITED_BROADCAST, port: SERVER_PORT }),
      hear: receive => port.onDatagram(receive),
      close: () => port.close(),
    }
  } catch (error) {
    if (error instanceof EnvironmentProblem) return error.problem
    throw error
  }
}

export function earOf(watch: Pick<ServerWatch, 'deaf' | 'say' | 'listenIn'>): Ear | Problem {
  if (watch.deaf) return watch.deaf
  let stop = (): void => {}
  return {
    say: bytes => watch.say(bytes),
    hear(receive) {
      stop()
      stop = watch.listenIn(receive)
    },
    async close() {
      stop()
    },
  }
}
