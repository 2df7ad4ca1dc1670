/** Every attempt in one row: who approved it, how it ended, how long its stages took. */
import type { MachineView } from '../../../schema/machine.ts'
import { inFull } from '../../parts/age.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { ProblemNotice } from '../../parts/problem-notice.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { useTimeline } from '../../parts/use-timeline.ts'
import { type Group, groupByAttempt, outcomeOf, STAGE_NAMES, stageTimes } from '../../timeline/attempts.ts'
import { duration } from '../../words/quantities.ts'
import { OutcomeMark } from './outcome-mark.tsx'

type Row = { group: Group; isLatest: boolean }

function columnsFor({ state }: MachineView): Column<Row>[] {
  return [
    { title: 'Attempt', cell: ({ group }) => <code>{group.attempt}</code> },
    { title: 'Begun', cell: ({ group }) => inFull(group.start!.at) },
    {
      title: 'By',
      cell: ({ group: { start } }) => start!.who ?? (start!.source === 'site' ? 'the site file' : 'an operator'),
    },
    { title: 'Profile', cell: ({ group }) => group.start!.profile },
    { title: 'Outcome', cell: ({ group, isLatest }) => <OutcomeMark outcome={outcomeOf(group, isLatest, state)} /> },
    ...STAGE_NAMES.map(
      (name): Column<Row> => ({
        title: name,
        isNumber: true,
        cell: ({ group }) => {
          const seconds = stageTimes(group)[name]
          return seconds === undefined ? <span class="dim">–</span> : duration(seconds)
        },
      }),
    ),
  ]
}

export function MachineAttempts({ machine }: { machine: MachineView }) {
  const { entries, problem } = useTimeline(machine.id).value
  if (problem && !entries) return <ProblemNotice problem={problem} />
  if (!entries) return <p aria-busy="true">Asking for it…</p>
  const groups = groupByAttempt(entries).filter(({ start }) => start !== undefined)
  if (groups.length === 0)
    return (
      <EmptyState title="No attempt yet">
        <p>
          An attempt is one permitted installation. It begins when somebody approves this machine, or a rule of the site
          file does.
        </p>
      </EmptyState>
    )
  const rows = groups.map((group, index) => ({ group, isLatest: index === groups.length - 1 })).toReversed()
  return (
    <section aria-labelledby="attempts">
      <h2 id="attempts" class="hidden">
        Attempts
      </h2>
      <Table
        caption="Attempts, the latest first"
        columns={columnsFor(machine)}
        rows={rows}
        keyOf={({ group }) => String(group.start!.seq)}
      />
    </section>
  )
}
