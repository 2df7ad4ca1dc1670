/** One run for all who ask meanwhile. */

/**
 * A task whose result is shared: everybody gets that of a run that began after they asked, so nobody sees anything older than its own question. One run is
 * under way at a time, and one more waits for all who came since it began.
 */
export function sharedRun<T>(task: () => Promise<T>): () => Promise<T> {
  let running: Promise<unknown> | undefined
  let next: Promise<T> | undefined
  const run = (): Promise<T> => {
    next = undefined
    const begun = task()
    const ended = begun.then(
      () => {},
      () => {},
    )
    running = ended
    void ended.then(() => {
      if (running === ended) running = undefined
    })
    return begun
  }
  return () => {
    if (!running) return run()
    next ??= running.then(run)
    return next
  }
}
