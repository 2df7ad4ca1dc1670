/** The TFTP server alone, as the appliance wires it, for tests in a network namespace: `tftp-server.ts DEVICE ADDRESS FOLDER`. Prints facts and terms as JSON lines; ends with stdin. */
import { systemClock } from '../../services/kit/clock.ts'
import type { Ipv4 } from '../../services/kit/ipv4.ts'
import type { Log } from '../../services/kit/log.ts'
import { interfaceMtu } from '../../services/kit/native-socket.ts'
import { PortBundle } from '../../services/kit/port-bundle.ts'
import { openUdpPort } from '../../services/kit/udp-port.ts'
import { loaderFolder, startTftp } from '../../services/tftp/server.ts'

const [device = '', address = '', folder = ''] = process.argv.slice(2)

function tell(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

const write = (level: string) => (fields: object, message: string) => tell({ level, message, ...fields })
const log: Log = { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') }
const transfers = new PortBundle()
const server = await startTftp({
  port: await openUdpPort({ device, address: address as Ipv4, port: 69 }),
  openTransferPort: () => transfers.open({ device, address: address as Ipv4, port: 0 }),
  mtu: () => interfaceMtu(device) ?? 0,
  find: loaderFolder(folder),
  tell,
  clock: systemClock,
  log,
})
tell({ fact: 'ready' })
process.stdin.resume().once('end', () => void server.close())
