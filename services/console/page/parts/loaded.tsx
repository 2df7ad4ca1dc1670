/** What was asked for, as soon as it is there; before that, that it was asked for, and if it does not come, why. */
import type { ReadonlySignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { ProblemNotice } from './problem-notice.tsx'
import type { Resource } from './resource.ts'

type LoadedProps<T> = { resource: ReadonlySignal<Resource<T>>; children: (value: T) => ComponentChildren }

export function Asking() {
  return (
    <p class="dim" aria-busy="true">
      Asking for it…
    </p>
  )
}

export function Loaded<T>({ resource, children }: LoadedProps<T>) {
  const { value, problem } = resource.value
  return (
    <>
      {problem && <ProblemNotice problem={problem} />}
      {value === undefined && !problem && <Asking />}
      {value !== undefined && children(value)}
    </>
  )
}
