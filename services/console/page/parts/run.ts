/** Something that the appliance does when it is asked, and that takes a while: what it says then, and how long it has been at it. */
import { type ReadonlySignal, type Signal, useSignal } from '@preact/signals'
import type { Outcome } from '../wire/api.ts'
import type { PageProblem } from '../wire/problem.ts'

export type Run<T> = {
  value?: T
  problem?: PageProblem /** ISO 8601, by this computer; absent while it rests. */
  startedAt?: string
}

export function useRun<T>(run: () => Promise<Outcome<T>>): { state: ReadonlySignal<Run<T>>; start: () => void } {
  const state: Signal<Run<T>> = useSignal({})
  const start = async (): Promise<void> => {
    if (state.peek().startedAt !== undefined) return
    const { problem: _before, ...kept } = state.peek()
    state.value = { ...kept, startedAt: new Date().toISOString() }
    const answer = await run()
    state.value = answer.ok ? { value: answer.value } : { ...kept, problem: answer.problem }
  }
  return { state, start: () => void start() }
}
