/** Transfers as the registry hears of them: progress as a sign of life, a finished loader as an event, a failed one as a line of the log. */
import type { Ipv4 } from '../kit/ipv4.ts'
import type { Log } from '../kit/log.ts'
import type { Mac } from '../kit/mac.ts'
import type { Registry } from '../machine/registry.ts'
import type { TftpFact } from './server.ts'

export type TellOptions = { registry: Registry; macAt: (address: Ipv4) => Mac | undefined; log: Log }

export function registryTftpTell({ registry, macAt, log }: TellOptions): (fact: TftpFact) => void {
  return fact => {
    const mac = macAt(fact.client.address)
    const machine = mac && registry.byMac(mac)
    if (fact.fact === 'failed') {
      const { name, bytes, size, client, reason } = fact
      // A ROM that wanted to see whether the file is there says so with an error: nothing to look into.
      if (reason === 'client-refused' && bytes === 0) return
      const who = machine ? registry.titleOf(machine) : client.address
      log.warn(
        { machine: machine?.id, address: client.address, file: name, bytes, size, reason },
        `tftp: ${name} did not reach ${who}: ${reason}, ${bytes} of ${size} bytes`,
      )
      return
    }
    if (!machine) return
    registry.heard(machine.id, { file: 'loader', sent: fact.bytes, total: fact.size })
    if (fact.fact !== 'sent') return
    const sent = { type: 'loader-sent', file: fact.name, bytes: fact.bytes } as const
    registry.inBackground(registry.record(machine.id, sent, 'tftp'))
  }
}
