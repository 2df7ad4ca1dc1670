/** One machine: who it is, what it does, what can be done to it, and what happened. */
import type { ReadonlySignal } from '@preact/signals'
import type { MachineView as Machine } from '../../schema/machine.ts'
import { Doing } from '../parts/doing.tsx'
import { EmptyState } from '../parts/empty-state.tsx'
import { Icon } from '../parts/icon.tsx'
import { OrderButtons } from '../parts/order-buttons.tsx'
import { ProblemNotice } from '../parts/problem-notice.tsx'
import { StateMark } from '../parts/state-mark.tsx'
import { machinePath } from '../paths.ts'
import type { ViewProps } from '../routes.tsx'
import { toQuery } from '../store/choice.ts'
import { firstProblem, isWhole, machines } from '../store/live.ts'
import { choice } from '../store/shown.ts'
import { MEANINGS } from '../words/state-words.ts'
import { MachineAnswer } from './machine/answer.tsx'
import { MachineAttempts } from './machine/attempts.tsx'
import { MachineFacts } from './machine/facts.tsx'
import { MachineHardware } from './machine/hardware.tsx'
import { MachineTimeline } from './machine/timeline.tsx'

function Conflicts({ machine }: { machine: Machine }) {
  if (!machine.conflicts) return null
  return (
    <div class="notice is-warn">
      <Icon name="attention" />
      <ul>
        {machine.conflicts.map(({ id, name, by, value }) => (
          <li key={`${id} ${by}`}>
            The {by} <code>{value}</code> is claimed by <a href={machinePath(id)}>{name}</a>, too: one machine under two
            names, or two with one identity. Look at both before you approve one.
          </li>
        ))}
      </ul>
    </div>
  )
}

const TABS = [
  { part: 'timeline', text: 'Timeline', view: MachineTimeline },
  { part: 'answer', text: 'Answer, and why', view: MachineAnswer },
  { part: 'attempts', text: 'Attempts', view: MachineAttempts },
  { part: 'hardware', text: 'Hardware', view: MachineHardware },
] as const

type Part = (typeof TABS)[number]['part']

function Tabs({ id, part }: { id: string; part: Part }) {
  return (
    <nav class="tabs" aria-label="Of this machine">
      {TABS.map(tab => (
        <a key={tab.part} href={machinePath(id, tab.part)} aria-current={tab.part === part ? 'page' : undefined}>
          {tab.text}
        </a>
      ))}
    </nav>
  )
}

function Shown({ of, part }: { of: ReadonlySignal<Machine>; part: Part }) {
  const machine = of.value
  const { view: View } = TABS.find(tab => tab.part === part)!
  return (
    <article class="machine">
      <a class="back" href={`/${toQuery(choice.value)}`}>
        <Icon name="back" /> Rack
      </a>
      <div class="machine-head">
        <h1 tabIndex={-1}>{machine.name}</h1>
        <StateMark state={machine.state} />
        <OrderButtons machines={[machine]} />
      </div>
      <p class="dim">{MEANINGS[machine.state]}</p>
      <p class={`now is-${machine.state}`}>
        <Doing machine={of} />
      </p>
      <Conflicts machine={machine} />
      <MachineFacts machine={machine} />
      <Tabs id={machine.id} part={part} />
      <View machine={machine} />
    </article>
  )
}

function Unknown({ id }: { id: string }) {
  return (
    <EmptyState isWholeView title="This machine is not known">
      <p>
        Nothing was heard of <code>{id}</code>, or somebody has forgotten it. All machines are{' '}
        <a href="/">in the rack</a>.
      </p>
    </EmptyState>
  )
}

function At({ id, part }: { id: string; part: Part }) {
  const machine = machines.value.get(id)
  if (machine) return <Shown of={machine} part={part} />
  if (isWhole.value) return <Unknown id={id} />
  return firstProblem.value ? (
    <ProblemNotice problem={firstProblem.value} />
  ) : (
    <p class="dim" aria-busy="true">
      Asking for it…
    </p>
  )
}

const viewOf = (part: Part) =>
  function MachineView({ params: { id = '' } }: ViewProps) {
    return <At id={id} part={part} />
  }

export const MachineView = viewOf('timeline')
export const MachineAnswerView = viewOf('answer')
export const MachineAttemptsView = viewOf('attempts')
export const MachineHardwareView = viewOf('hardware')
