/** What the appliance counts of itself, beside what its services do: machines, library, certificate, store, alarms. */
import { gaugeLibrary } from '../iso/counts.ts'
import type { IsoCatalogue } from '../iso/catalogue.ts'
import { type Alarms, gaugeAlarms } from '../kit/alarms.ts'
import type { Clock } from '../kit/clock.ts'
import type { Meter } from '../kit/meter.ts'
import { countMachines } from '../machine/counts.ts'
import type { Registry } from '../machine/registry.ts'
import { gaugeStore } from '../store/counts.ts'
import type { Store } from '../store/store.ts'

const MS_PER_DAY = 86_400_000

export type Counted = {
  meter: Meter
  registry: Registry
  catalogue: IsoCatalogue
  store: Store
  alarms: Alarms
  /** Of the TLS port. */
  certificate: { readonly current: { notAfter: Date } }
  clock: Pick<Clock, 'now'>
}

export function countAppliance({ meter, registry, catalogue, store, alarms, certificate, clock }: Counted): void {
  countMachines(meter, registry)
  gaugeLibrary(meter, catalogue)
  gaugeStore(meter, store)
  gaugeAlarms(meter, alarms)
  meter.gauge('rackrise_certificate_days_left', 'Days until the certificate of the TLS port ends', [], () => [
    [{}, (certificate.current.notAfter.getTime() - clock.now()) / MS_PER_DAY],
  ])
}
