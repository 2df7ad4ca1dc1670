/**
 * Runs beside the appliance and shows what arrives there: it hears DHCP on the NIC that is not served, and echoes on a port of the
 * served address whatever NIC it came through. Without it, silence could mean that nothing was heard at all.
 */
import { createServer } from 'node:net'
import type { Ipv4 } from '../../services/kit/ipv4.ts'
import { adoptUdpPort, openUdpPort } from '../../services/kit/udp-port.ts'
import { openNativeSocket } from '../../services/kit/native-socket.ts'

const ECHO_PORT = 9999
const served = '10.77.0.1' as Ipv4

const dhcp = await adoptUdpPort(openNativeSocket('udp', { device: 'eth2', address: '0.0.0.0' as Ipv4, port: 67 }))
dhcp.onDatagram(({ bytes }) => process.stdout.write(`heard ${bytes.length} octets on eth2\n`))
const echo = await openUdpPort({ address: served, port: ECHO_PORT })
echo.onDatagram(({ bytes, from }) => echo.send(bytes, from))
createServer(socket => socket.end('echo')).listen(ECHO_PORT, served, () => process.stdout.write('ready\n'))
