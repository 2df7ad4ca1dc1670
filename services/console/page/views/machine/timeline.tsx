/** What happened, attempt by attempt, and what every silence was; the latest attempt first, time running down inside of each. */
import { useComputed, useSignal } from '@preact/signals'
import { Fragment } from 'preact'
import type { MachineView } from '../../../schema/machine.ts'
import { Age, inFull, timeOfDay } from '../../parts/age.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { Icon } from '../../parts/icon.tsx'
import { ProblemNotice } from '../../parts/problem-notice.tsx'
import { useTimeline } from '../../parts/use-timeline.ts'
import { now } from '../../store/clock.ts'
import { type Download, type Group, groupByAttempt, outcomeOf, type Step } from '../../timeline/attempts.ts'
import { type Gap, gapNow } from '../../timeline/gaps.ts'
import { bytes, counted, duration, rate } from '../../words/quantities.ts'
import { OutcomeMark } from './outcome-mark.tsx'
import { Waterfall } from './waterfall.tsx'

function DownloadWords({ download: { bytes: count, seconds, bytesPerSecond } }: { download: Download }) {
  return (
    <span class="download">
      {bytes(count)} in {seconds < 1 ? 'less than 1 s' : duration(seconds)}
      {seconds >= 1 && `, ${rate(bytesPerSecond)}`}
    </span>
  )
}

function GapWords({ gap: { words, advice } }: { gap: Pick<Gap, 'words' | 'advice'> }) {
  return (
    <span class="what">
      {words}
      {advice && (
        <span class="advice">
          <Icon name="attention" /> <span>{advice}</span>
        </span>
      )}
    </span>
  )
}

function GapLine({ gap }: { gap: Gap }) {
  return (
    <li class={gap.advice ? 'gap is-late' : 'gap'}>
      <span class="gap-length">{duration(gap.seconds)}</span>
      <GapWords gap={gap} />
    </li>
  )
}

function StepLine({ step: { entry, download } }: { step: Step }) {
  const { at, source, text, anomaly } = entry
  return (
    <li class={anomaly ? 'step is-anomaly' : 'step'}>
      <time dateTime={at} title={inFull(at)} class="number">
        {timeOfDay(at)}
      </time>
      <span class="source">{source}</span>
      <span class="what">
        {text} {download && <DownloadWords download={download} />}
        {anomaly && <span class="dim"> (changed nothing: {anomaly})</span>}
      </span>
    </li>
  )
}

/** The silence that lasts. Its length ticks alone; its words change when the table says so. */
function NowLine({ last, machine }: { last: Group['last']; machine: MachineView }) {
  const gap = useComputed(() => gapNow(last, machine, new Date(now.value).toISOString()))
  const length = useComputed(() => duration(gap.value.seconds))
  return (
    <li class={gap.value.advice ? 'gap is-now is-late' : 'gap is-now'}>
      <span class="gap-length">
        {length} <span class="dim">so far</span>
      </span>
      <GapWords gap={gap.value} />
    </li>
  )
}

/** What is late stands above everything, too: its line may be far below. */
function LateNotice({ last, machine }: { last: Group['last']; machine: MachineView }) {
  const gap = useComputed(() => gapNow(last, machine, new Date(now.value).toISOString()))
  const length = useComputed(() => duration(gap.value.seconds))
  const { words, advice } = gap.value
  if (!advice) return null
  return (
    <div class="notice is-warn">
      <Icon name="attention" />
      <div>
        <p>
          <strong>
            {length}: {words}.
          </strong>
        </p>
        <p>What to do: {advice}</p>
      </div>
    </div>
  )
}

/** Steps that are shown at once; a held machine that boots its disk every night has thousands. */
const SHOWN = 200

type GroupProps = { group: Group; machine: MachineView; isLatest: boolean }

function Steps({ group, machine, isLatest }: GroupProps) {
  const count = useSignal(SHOWN)
  const hidden = Math.max(0, group.steps.length - count.value)
  const steps = hidden > 0 ? group.steps.slice(hidden) : group.steps
  return (
    <>
      <Waterfall steps={steps.slice(-SHOWN)} progress={isLatest ? machine.progress : undefined} />
      {hidden > 0 && (
        <button type="button" class="small" onClick={() => (count.value += SHOWN)}>
          Show {Math.min(SHOWN, hidden)} earlier of {hidden}
        </button>
      )}
      <ol class="steps">
        {steps.map(step => (
          <Fragment key={step.entry.seq}>
            {step.gap && <GapLine gap={step.gap} />}
            <StepLine step={step} />
          </Fragment>
        ))}
        {isLatest && <NowLine key={`${group.last.seq} ${machine.heardAt}`} last={group.last} machine={machine} />}
      </ol>
    </>
  )
}

function AttemptGroup({ group, machine, isLatest }: GroupProps) {
  const isOpen = useSignal(isLatest)
  const { start, steps } = group
  const first = steps[0]!.entry
  return (
    <details class="attempt" open={isOpen.value} onToggle={event => (isOpen.value = event.currentTarget.open)}>
      <summary>
        <h3>{group.attempt ? `Attempt ${group.attempt}` : start ? 'Attempt' : 'Before the first attempt'}</h3>
        {start && <OutcomeMark outcome={outcomeOf(group, isLatest, machine.state)} />}
        <span class="dim">
          {inFull(first.at)}, <Age at={first.at} suffix=" ago" />, {counted(steps.length, 'entry', 'entries')}
        </span>
      </summary>
      {isOpen.value && <Steps group={group} machine={machine} isLatest={isLatest} />}
    </details>
  )
}

export function MachineTimeline({ machine }: { machine: MachineView }) {
  const timeline = useTimeline(machine.id)
  const groups = useComputed(() => groupByAttempt(timeline.value.entries ?? []).toReversed())
  const { entries, problem } = timeline.value
  return (
    <section class="timeline" aria-labelledby="timeline">
      <h2 id="timeline" class="hidden">
        Timeline
      </h2>
      {problem && <ProblemNotice problem={problem} />}
      {!entries && !problem && (
        <p class="dim" aria-busy="true">
          Asking for it…
        </p>
      )}
      {entries?.length === 0 && (
        <EmptyState title="Nothing happened yet">
          <p>
            The site file names this machine, and it was never heard. Switch it on, with network boot first in its boot
            order.
          </p>
        </EmptyState>
      )}
      {groups.value[0] && (
        <LateNotice
          key={`${groups.value[0].last.seq} ${machine.heardAt}`}
          last={groups.value[0].last}
          machine={machine}
        />
      )}
      {groups.value.map((group, index) => (
        <AttemptGroup key={group.steps[0]!.entry.seq} group={group} machine={machine} isLatest={index === 0} />
      ))}
    </section>
  )
}
