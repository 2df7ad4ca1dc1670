/** One life of a simulated machine on a device, with a disk that is `blank` or `bootable`; its range of addresses is local there. Prints how it ended. */
import { systemClock } from '../../services/kit/clock.ts'
import { openUdpPort } from '../../services/kit/udp-port.ts'
import { planMachines } from '../../services/lab/rack-plan.ts'
import { openDhcpWire } from '../../services/lab/simulated/dhcp-client.ts'
import { SimulatedMachine } from '../../services/lab/simulated/machine.ts'

const [device = '', disk = ''] = process.argv.slice(2)
const wire = await openDhcpWire(openUdpPort, device)
const [spec] = planMachines(1, 'uefi', false)
const rack = { wire, openPort: openUdpPort, clock: systemClock, report: () => {} }
const outcome = await new SimulatedMachine(
  { ...spec!, disk: disk === 'bootable' ? 'bootable' : 'blank' },
  rack,
).powerOn()
await wire.close()
process.stdout.write(JSON.stringify(outcome))
