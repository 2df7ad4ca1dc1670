/** The rack: every machine as a row or a tile, as it is now. */
import { AlarmStrip } from '../parts/alarm-strip.tsx'
import { EmptyState } from '../parts/empty-state.tsx'
import { ProblemNotice } from '../parts/problem-notice.tsx'
import { RackList } from '../parts/rack-list.tsx'
import { RackToolbar } from '../parts/rack-toolbar.tsx'
import { SelectionBar } from '../parts/selection-bar.tsx'
import { change, shown } from '../store/shown.ts'
import { appliance, firstProblem, isLoaded, isWhole, machines } from '../store/live.ts'

function NoMachines() {
  const about = appliance.value
  return (
    <EmptyState title="No machines yet">
      <p>
        Switch one on, with network boot first in its boot order, on the network of <code>{about?.interface}</code>. It
        appears here with its first DHCP request, and nothing happens to its disks until you approve it.
      </p>
      <p class="dim">
        Nothing comes? <code>rackrise doctor</code> looks for other DHCP servers and for what may be in the way.
      </p>
    </EmptyState>
  )
}

function Asking() {
  return (
    <p class="dim" aria-busy="true">
      Asking for the machines…
    </p>
  )
}

function NoneShown() {
  if (!isWhole.value) return <Asking />
  return (
    <EmptyState title="No machine fits">
      <p>
        {machines.value.size} machines are hidden by the filter.{' '}
        <button type="button" onClick={() => change({ text: '', group: undefined })}>
          Show all
        </button>
      </p>
    </EmptyState>
  )
}

function Content() {
  if (!isLoaded.value) {
    const problem = firstProblem.value
    return problem ? <ProblemNotice problem={problem} /> : <Asking />
  }
  if (machines.value.size === 0) return <NoMachines />
  return (
    <>
      <RackToolbar />
      {shown.value.length === 0 ? <NoneShown /> : <RackList />}
      <SelectionBar />
    </>
  )
}

export function RackView() {
  return (
    <section class="rack">
      <h1 tabIndex={-1} class="hidden">
        Rack
      </h1>
      <AlarmStrip />
      <Content />
    </section>
  )
}
