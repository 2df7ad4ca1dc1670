/** Transfers as the registry hears of them: progress as a sign of life, a finished file as an event, a failed one as a line of the log. */
import type { Ipv4 } from '../kit/ipv4.ts'
import type { Log } from '../kit/log.ts'
import type { Mac } from '../kit/mac.ts'
import type { Fact } from '../machine/event.ts'
import type { Machine } from '../machine/lifecycle.ts'
import type { Registry } from '../machine/registry.ts'
import { attemptFileOf, type AttemptPart } from './machine-files.ts'
import type { TftpFact } from './server.ts'

export type TellOptions = { registry: Registry; macAt: (address: Ipv4) => Mac | undefined; log: Log }

export function registryTftpTell({ registry, macAt, log }: TellOptions): (fact: TftpFact) => void {
  const tellAttempt = ({ id, attempt }: Machine, part: AttemptPart, { fact, bytes, size }: TftpFact): void => {
    registry.heard(id, { file: part, sent: bytes, total: size })
    // It is known by that attempt.
    if (!attempt) return
    const record = (told: Fact): void => registry.inBackground(id, registry.record(id, told, 'tftp'))
    if (fact === 'started' && part === 'initrd') record({ type: 'initrd-started', attempt: attempt.id, bytes: size })
    if (fact === 'sent') record({ type: `${part}-sent`, attempt: attempt.id, bytes })
  }
  return fact => {
    const wanted = attemptFileOf(fact.name)
    const mac = macAt(fact.client.address)
    // Who loads an attempt's file was let through by its address; behind a router no neighbour table has it.
    const machine = wanted ? registry.byAttempt(wanted.attempt) : mac && registry.byMac(mac)
    if (fact.fact === 'failed') {
      const { name, bytes, size, client, reason } = fact
      // A ROM that wanted to see whether the file is there says so with an error: nothing to look into.
      if (reason === 'client-refused' && bytes === 0) return
      const who = machine ? registry.titleOf(machine) : client.address
      log.warn(
        { ...(machine ? { mac: machine.id } : {}), address: client.address, file: name, bytes, size, reason },
        `${name} did not reach ${who}: ${reason}, ${bytes} of ${size} bytes`,
      )
      return
    }
    if (!machine) return
    if (wanted) return tellAttempt(machine, wanted.part, fact)
    registry.heard(machine.id, { file: 'loader', sent: fact.bytes, total: fact.size })
    // A configuration is no loader: what it says is told by who wrote it.
    if (fact.fact !== 'sent' || fact.name.endsWith('.cfg')) return
    const sent = { type: 'loader-sent', file: fact.name, bytes: fact.bytes } as const
    registry.inBackground(machine.id, registry.record(machine.id, sent, 'tftp'))
  }
}
