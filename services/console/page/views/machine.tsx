/** One machine: who it is, what it does, what can be done to it, and what happened. */
import type { ComponentChildren } from 'preact'
import type { MachineView as Machine, TimelineEntry } from '../../machine-view.ts'
import { Age, inFull } from '../parts/age.tsx'
import { Doing } from '../parts/doing.tsx'
import { EmptyState } from '../parts/empty-state.tsx'
import { Icon } from '../parts/icon.tsx'
import { OrderButtons } from '../parts/order-buttons.tsx'
import { ProblemNotice } from '../parts/problem-notice.tsx'
import { StateMark } from '../parts/state-mark.tsx'
import { useTimeline } from '../parts/use-timeline.ts'
import { machinePath } from '../paths.ts'
import type { ViewProps } from '../routes.tsx'
import { toQuery } from '../store/choice.ts'
import { firstProblem, isLoaded, machines } from '../store/live.ts'
import { choice } from '../store/shown.ts'
import { MEANINGS } from '../words/state-words.ts'

function factsOf(machine: Machine): [string, ComponentChildren][] {
  const { macs, serial, uuid, product, address, staticAddress, profile, attempt, attempts, installed, fqdn } = machine
  const facts: [string, ComponentChildren | undefined][] = [
    ['MAC', <span class="mono">{macs.join(', ')}</span>],
    ['Serial', serial && <span class="mono">{serial}</span>],
    ['Product', product],
    ['UUID', uuid && <span class="mono">{uuid}</span>],
    ['Address', address && <span class="mono">{address}</span>],
    [
      'Address for good',
      staticAddress && (
        <>
          <span class="mono">{staticAddress.address}</span> on {staticAddress.nic}
        </>
      ),
    ],
    ['Name on the network', installed?.fqdn ?? fqdn],
    ['Profile', profile],
    ['Attempt', attempt && `${attempt.id}, the ${ordinal(attempts)}, since ${inFull(attempt.startedAt)}`],
    ['Installed', installed && <Installed installed={installed} />],
    ['First seen', <Age at={machine.firstSeenAt} suffix=" ago" />],
    ['Last heard', <Age at={machine.heardAt} suffix=" ago" />],
  ]
  return facts.filter((fact): fact is [string, ComponentChildren] => fact[1] !== undefined && fact[1] !== '')
}

function ordinal(count: number): string {
  const teens = count % 100 >= 11 && count % 100 <= 13
  return `${count}${teens ? 'th' : (['th', 'st', 'nd', 'rd'][count % 10] ?? 'th')}`
}

function Installed({ installed }: { installed: NonNullable<Machine['installed']> }) {
  return (
    <>
      {installed.product ?? 'a system'}, <Age at={installed.at} suffix=" ago" />
      {installed.inferred && <span class="dim"> (inferred: it booted its disk, no report came)</span>}
    </>
  )
}

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

function Entry({ entry }: { entry: TimelineEntry }) {
  return (
    <li class={entry.anomaly ? 'entry is-anomaly' : 'entry'}>
      <time class="mono" dateTime={entry.at} title={inFull(entry.at)}>
        {new Date(entry.at).toLocaleTimeString(undefined, { hourCycle: 'h23' })}
      </time>
      <span class="source">{entry.source}</span>
      <span>
        {entry.text}
        {entry.anomaly && <span class="dim"> (changed nothing: {entry.anomaly})</span>}
      </span>
    </li>
  )
}

function Timeline({ id }: { id: string }) {
  const { entries, problem } = useTimeline(id).value
  return (
    <section class="timeline">
      <h2>Timeline</h2>
      {problem && <ProblemNotice problem={problem} />}
      {!entries && !problem && (
        <p class="dim" aria-busy="true">
          Asking for it…
        </p>
      )}
      {entries && (
        <ol class="entries" reversed>
          {entries.toReversed().map(entry => (
            <Entry key={entry.seq ?? `${entry.at} ${entry.type}`} entry={entry} />
          ))}
        </ol>
      )}
    </section>
  )
}

function Shown({ machine }: { machine: Machine }) {
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
        <Doing machine={machine} />
      </p>
      <Conflicts machine={machine} />
      <dl class="facts">
        {factsOf(machine).map(([title, value]) => (
          <div key={title}>
            <dt>{title}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <Timeline id={machine.id} />
    </article>
  )
}

function Unknown({ id }: { id: string }) {
  return (
    <EmptyState title="This machine is not known">
      <p>
        Nothing was heard of <code>{id}</code>, or somebody has forgotten it. All machines are{' '}
        <a href="/">in the rack</a>.
      </p>
    </EmptyState>
  )
}

export function MachineView({ params: { id = '' } }: ViewProps) {
  const machine = machines.value.get(id)
  if (machine) return <Shown machine={machine.value} />
  if (isLoaded.value) return <Unknown id={id} />
  return firstProblem.value ? (
    <ProblemNotice problem={firstProblem.value} />
  ) : (
    <p class="dim" aria-busy="true">
      Asking for it…
    </p>
  )
}
