/** What a machine has told of itself, by the names that rules ask for. */
import { isPlaceholderSerial, isPlaceholderUuid } from '../site/identity.ts'
import { canonicalFact, type FactName } from '../site/facts.ts'
import type { Fact } from './event.ts'
import type { Machine } from './lifecycle.ts'

/** Beside what a machine is known by: each fact with all its values, as they were told last. */
export type Told = Readonly<Record<FactName, readonly string[]>>

export type Facts = ReadonlyMap<FactName, readonly string[]>

/** An installer names every link, every VF too; nobody asks for the hundredth. */
const VALUES_MOST = 64

/** The same without what is not told, in an order that does not depend on who told it. */
export function toldOf(values: Record<string, readonly (string | undefined)[]>): Told {
  const entries = Object.entries(values).map(([name, all]): [string, string[]] => [
    canonicalFact(name),
    all.filter((value): value is string => value !== undefined && value !== '').slice(0, VALUES_MOST),
  ])
  return Object.fromEntries(entries.filter(([, all]) => all.length > 0).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

/** Whether something of it is new. */
function tellsMore(before: Told | undefined, told: Told): boolean {
  return Object.entries(told).some(([name, values]) => {
    const known = before?.[name]
    return known?.length !== values.length || values.some((value, at) => known[at] !== value)
  })
}

/** Without what many boards say: it would make one machine of thousands. */
export function withoutPlaceholders<T extends { uuid?: string; serial?: string; product?: string }>(said: T): T {
  const { uuid, serial, product, ...rest } = said
  return {
    ...rest,
    ...(uuid !== undefined && !isPlaceholderUuid(uuid) ? { uuid } : {}),
    ...(serial !== undefined && !isPlaceholderSerial(serial) ? { serial } : {}),
    ...(product !== undefined && !isPlaceholderSerial(product) ? { product } : {}),
  } as T
}

/** Whether a sighting says something new of a machine; `macs` are its own. */
export function teaches(
  machine: Machine,
  { macs, told, ...said }: Omit<Extract<Fact, { type: 'sighted' }>, 'type'>,
): boolean {
  if (macs.some(mac => !machine.macs.includes(mac)) || (told && tellsMore(machine.told, told))) return true
  return (['uuid', 'serial', 'product'] as const).some(key => said[key] !== undefined && said[key] !== machine[key])
}

export function factsOf(machine: Pick<Machine, 'macs' | 'uuid' | 'serial' | 'product' | 'address' | 'told'>): Facts {
  const { macs, uuid, serial, product, address, told = {} } = machine
  const own: [FactName, (string | undefined)[]][] = [
    ['mac', [...macs]],
    ['uuid', [uuid]],
    ['serial', [serial]],
    ['dmi.system.name', [product]],
    ['lease.address', [address]],
  ]
  const known = own.map(([name, values]): [FactName, string[]] => [name, values.filter(value => value !== undefined)])
  return new Map([...Object.entries(told), ...known.filter(([, values]) => values.length > 0)])
}
