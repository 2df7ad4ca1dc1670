/** Something of the API for as long as a view shows it: fetched when it opens, and again when the appliance says that it changed. */
import { type ReadonlySignal, type Signal, useSignal, useSignalEffect } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { topicSignal } from '../store/live.ts'
import { get } from '../wire/api.ts'
import type { Topic } from '../wire/messages.ts'
import type { PageProblem } from '../wire/problem.ts'

/** `next`: where the rest of a list is. */
export type Resource<T> = { value?: T; next?: string; problem?: PageProblem }

/**
 * @param topics what the stream of events calls it, if it does
 * @returns `value` stays while a newer one is fetched, and when that fails
 */
export function useResource<T>(path: string, ...topics: Topic[]): ReadonlySignal<Resource<T>> {
  const resource: Signal<Resource<T>> = useSignal({})
  const wanted = useSignal(path)
  useEffect(() => {
    resource.value = {}
    wanted.value = path
  }, [path])
  useSignalEffect(() => {
    for (const topic of topics) void topicSignal(topic).value
    const asked = wanted.value
    let isOver = false
    void get<T>(asked).then(answer => {
      if (isOver) return
      const { ok, ...came } = answer
      resource.value = ok ? came : { ...resource.peek(), ...came }
    })
    return () => {
      isOver = true
    }
  })
  return resource
}
