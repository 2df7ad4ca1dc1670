/** What machines said of themselves, for people and programs: behind the API and behind the command line without a running appliance. */
import { lastReport, lastSystemInformation } from '../answer/documents.ts'
import { readHardware } from '../answer/hardware.ts'
import { isProblem } from '../kit/is-problem.ts'
import type { Problem } from '../kit/problem.ts'
import type { Registry } from '../machine/registry.ts'
import type { DocumentStore } from '../store/types.ts'
import { pickMachine } from './pick-machine.ts'
import type { DevicesView, SystemInformationView } from './schema/document.ts'

export interface Documents {
  systemInformation(query: string): Promise<SystemInformationView | Problem>
  devices(query: string): Promise<DevicesView | Problem>
  close(): Promise<void>
}

function unknownYet(what: string, hint: string): Problem {
  return { code: 'not-reported', message: what, hint, severity: 'error' }
}

export function localDocuments(
  registry: Registry,
  documents: Pick<DocumentStore, 'get'>,
  close: () => Promise<void>,
): Documents {
  return {
    async systemInformation(query) {
      const machine = pickMachine(registry, query)
      if (isProblem(machine)) return machine
      const last = await lastSystemInformation(documents, machine.id)
      if (last) return { at: new Date(last.at).toISOString(), information: last.body }
      const what = `${registry.titleOf(machine)} has not asked for an answer yet`
      return unknownYet(what, 'its installer says who it is when it asks')
    },
    async devices(query) {
      const machine = pickMachine(registry, query)
      if (isProblem(machine)) return machine
      const last = await lastReport(documents, machine.id)
      if (!last) {
        const what = `${registry.titleOf(machine)} has not reported an installation yet`
        return unknownYet(what, 'disks and NICs are known from the report of its first installation on')
      }
      const { disks, nics, used } = readHardware(last.body)
      return {
        at: new Date(last.at).toISOString(),
        disks: Object.fromEntries(disks.map(({ name, properties }) => [name, properties])),
        nics: Object.fromEntries(nics.map(({ name, properties }) => [name, properties])),
        used: used.map(({ name }) => name),
      }
    },
    close,
  }
}
