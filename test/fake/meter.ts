/** A meter that tests read: every series by its name and labels, as Prometheus writes them. */
import type { Meter, Readings } from '../../services/kit/meter.ts'

type Series = [series: string, value: number][]

/** `name{label="value"}`, labels in the order in which they were declared. */
function seriesOf(name: string, labels: readonly string[], values: Readonly<Record<string, string>>): string {
  const undeclared = Object.keys(values).filter(label => !labels.includes(label))
  const missing = labels.filter(label => values[label] === undefined)
  if (undeclared.length + missing.length > 0)
    throw new Error(`${name}: undeclared ${undeclared.join()}, missing ${missing.join()}`)
  return labels.length === 0 ? name : `${name}{${labels.map(label => `${label}="${values[label]}"`).join(',')}}`
}

export class FakeMeter implements Meter {
  readonly #added = new Map<string, number>()
  readonly #gauges: (() => Series | Promise<Series>)[] = []
  readonly #names = new Set<string>()

  #declare(name: string): void {
    if (this.#names.has(name)) throw new Error(`${name} is declared twice`)
    this.#names.add(name)
  }

  #add(series: string, by: number): void {
    this.#added.set(series, (this.#added.get(series) ?? 0) + by)
  }

  counter<L extends string>(name: string, _help: string, labels: readonly L[] = []) {
    this.#declare(name)
    return (values: Readonly<Record<L, string>>, by = 1) => this.#add(seriesOf(name, labels, values), by)
  }

  /** Counted, as `_count` in Prometheus; how long is left to the clock of the test. */
  duration<L extends string>(name: string, _help: string, labels: readonly L[] = []) {
    this.#declare(name)
    return (values: Readonly<Record<L, string>>, seconds: number) => {
      this.#add(seriesOf(`${name}_count`, labels, values), 1)
      this.#add(seriesOf(`${name}_sum`, labels, values), seconds)
    }
  }

  gauge<L extends string>(
    name: string,
    _help: string,
    labels: readonly L[],
    read: () => Readings<L> | Promise<Readings<L>>,
  ): void {
    this.#declare(name)
    const named = (readings: Readings<L>): Series =>
      [...readings].map(([values, value]) => [seriesOf(name, labels, values), value])
    this.#gauges.push(() => {
      const readings = read()
      return readings instanceof Promise ? readings.then(named) : named(readings)
    })
  }

  /** Everything whose series begins so, zeros left out; without gauges that have to be waited for. */
  read(begins = ''): Record<string, number> {
    const gauged = this.#gauges.map(gauge => gauge()).filter((readings): readings is Series => Array.isArray(readings))
    return this.#shown([...this.#added, ...gauged.flat()], begins)
  }

  /** Likewise, with those. */
  async readAll(begins = ''): Promise<Record<string, number>> {
    const gauged = await Promise.all(this.#gauges.map(async gauge => gauge()))
    return this.#shown([...this.#added, ...gauged.flat()], begins)
  }

  #shown(all: Series, begins: string): Record<string, number> {
    return Object.fromEntries(all.filter(([series, value]) => series.startsWith(begins) && value !== 0))
  }
}
