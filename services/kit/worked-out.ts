/** Something that is worked out from values which are replaced as a whole when they change, and worked out again then. */

/** Returns how to ask for it. `from` names the values: while all of them are the same objects, what was worked out still holds. */
export function workedOut<T>(from: () => readonly unknown[], work: () => T): () => T {
  let known: { from: readonly unknown[]; is: T } | undefined
  return () => {
    const now = from()
    if (!known?.from.every((value, at) => Object.is(value, now[at]))) known = { from: now, is: work() }
    return known!.is
  }
}
