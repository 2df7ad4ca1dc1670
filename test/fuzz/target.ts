/** What can be fuzzed: one parser, with octets to begin from and what must hold for any others. */

export type Target = {
  name: string
  /** Good and bad inputs to begin from; those that were found stand in `corpus/<name>/*.hex` and come on top. */
  seeds(): Uint8Array[]
  /** Octets that mean something to this parser, to be put anywhere. */
  words: readonly Uint8Array[]
  maxBytes: number
  /** Milliseconds that one input may take; five, if absent, since other packets wait meanwhile. */
  mostMs?: number
  /**
   * Runs the parser and throws where something does not hold. Returns in a few words what it did: an input that makes it do something new is
   * changed further. That is cheaper than counting branches, and a parser of decisions says well what it did.
   */
  run(bytes: Uint8Array): string | Promise<string>
}

export function hold(what: string, holds: boolean): void {
  if (!holds) throw new Error(`does not hold: ${what}`)
}
