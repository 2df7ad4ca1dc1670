/** One life of a simulated machine on a device, its range of addresses being local there. Prints how it ended. */
import { systemClock } from '../../services/kit/clock.ts'
import { openUdpPort } from '../../services/kit/udp-port.ts'
import { planMachines } from '../../services/lab/rack-plan.ts'
import { openDhcpWire } from '../../services/lab/simulated/dhcp-client.ts'
import { SimulatedMachine } from '../../services/lab/simulated/machine.ts'

const wire = await openDhcpWire(openUdpPort, process.argv[2]!)
const [spec] = planMachines(1, 'uefi', false)
const rack = { wire, openPort: openUdpPort, clock: systemClock, report: () => {} }
const outcome = await new SimulatedMachine(spec!, rack).powerOn()
await wire.close()
process.stdout.write(JSON.stringify(outcome))
