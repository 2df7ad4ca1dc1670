/**
 * What rooms count, whoever asks for it: numbers with a name, a line of help and labels. A label's values come from a closed table, so that no
 * datagram makes a new series. `prom-meter.ts` is the real one.
 */

export type Labels<L extends string> = Readonly<Record<L, string>>

/** Every series of a gauge now. */
export type Readings<L extends string> = Iterable<readonly [values: Labels<L>, value: number]>

export interface Meter {
  /** A number that only grows; `name` ends in `_total`. Returns how to add to it: one, unless it says otherwise. */
  counter<L extends string = never>(
    name: string,
    help: string,
    labels?: readonly L[],
  ): (values: Labels<L>, by?: number) => void
  /**
   * How long things took; `name` ends in `_seconds`. Returns how to tell one.
   * @param seconds bounds of its buckets, where those of a disk or a network are too short
   */
  duration<L extends string = never>(
    name: string,
    help: string,
    labels?: readonly L[],
    seconds?: readonly number[],
  ): (values: Labels<L>, seconds: number) => void
  /** What is so now. It is read when somebody looks, so that nobody has to keep it up to date. */
  gauge<L extends string = never>(
    name: string,
    help: string,
    labels: readonly L[],
    read: () => Readings<L> | Promise<Readings<L>>,
  ): void
}

/** All that was counted, for who asks. */
export interface Exposition {
  /** Media type of the text. */
  readonly contentType: string
  /** Prometheus' text format. */
  text(): Promise<string>
  /** The same as values: name, help, type, and every series with its labels. */
  values(): Promise<readonly object[]>
}

/** For programs and tests that nobody asks. */
export const silentMeter: Meter = {
  counter: () => () => {},
  duration: () => () => {},
  gauge() {},
}
