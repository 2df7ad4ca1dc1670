/** The timeline of one machine for as long as a view shows it: what was, then what comes. */
import { type ReadonlySignal, type Signal, useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { TimelineEntry } from '../../schema/machine.ts'
import { onEvent, refetched } from '../store/live.ts'
import { withEntries } from '../store/timeline.ts'
import { get } from '../wire/api.ts'
import type { PageProblem } from '../wire/problem.ts'

/** Entries that are asked for at once: what came first is shown while the rest is on its way. */
const PAGE = 1000

export type Timeline = { entries?: readonly TimelineEntry[]; problem?: PageProblem }

export function useTimeline(id: string): ReadonlySignal<Timeline> {
  const timeline: Signal<Timeline> = useSignal({})
  // After a gap that could not be bridged it is asked for again.
  const turn = refetched.value
  useEffect(() => {
    let isOver = false
    const add = (entries: readonly TimelineEntry[]): void => {
      timeline.value = { entries: withEntries(timeline.peek().entries ?? [], entries) }
    }
    const end = onEvent((machine, event) => {
      if (machine === id) add([event])
    })
    const fetchAll = async (): Promise<void> => {
      let after = 0
      for (;;) {
        const query = new URLSearchParams({ after: String(after), limit: String(PAGE) })
        const answer = await get<TimelineEntry[]>(`/api/v1/machines/${encodeURIComponent(id)}/timeline?${query}`)
        if (isOver) return
        if (!answer.ok) return void (timeline.value = { ...timeline.peek(), problem: answer.problem })
        add(answer.value)
        const last = answer.value.at(-1)?.seq
        if (answer.value.length < PAGE || last === undefined) return
        after = last
      }
    }
    void fetchAll()
    return () => {
      isOver = true
      end()
    }
  }, [id, turn])
  return timeline
}
