/** What another site file makes otherwise, as lists: whom it installs, the site, machines. */
import type { ReloadView } from '../../../schema/reload.ts'
import { counted } from '../../words/quantities.ts'
import { changeInWords, identityInWords, machineInWords } from '../../words/site-words.ts'

type Changes = Pick<ReloadView, 'changes' | 'machines'>

/** More than anybody reads; `rackrise reload --check --json` has all. */
const SHOWN_MOST = 50

function More({ count }: { count: number }) {
  return count > 0 ? (
    <li class="dim">
      and {count} more: <code>rackrise reload --check --json</code> has all
    </li>
  ) : null
}

/** Loud: a person reads it before anything else. @param isDone whether it was loaded */
export function Installs({ machines, isDone }: Pick<Changes, 'machines'> & { isDone: boolean }) {
  const starts = machines.filter(machine => machine.starts)
  if (starts.length === 0) return null
  return (
    <>
      <p class="consequence is-bad">
        {isDone ? 'It installs' : 'It would install'} {counted(starts.length, 'machine')} at the next network boot,
        which ERASES THE DISKS that the answer chooses. There is no way back
        {isDone ? ' but to block them before they boot.' : '.'}
      </p>
      <ul class="named" aria-label={`Machines that ${isDone ? 'are' : 'would be'} installed`} tabIndex={0}>
        {starts.slice(0, SHOWN_MOST).map(machine => (
          <li key={machine.id}>
            <strong>{machine.name}</strong>
            <span class="identity mono">{identityInWords(machine)}</span>
          </li>
        ))}
        <More count={starts.length - SHOWN_MOST} />
      </ul>
    </>
  )
}

/** @param counts where the lists were cut off on their way */
export function ChangeLists({
  changes,
  machines,
  counts,
}: Changes & { counts?: { changes: number; machines: number } }) {
  const others = machines.filter(({ keys, change }) => keys.length > 0 || change !== 'changed')
  const cut = counts ? counts.machines - machines.length : 0
  const lists = [
    { title: 'Of the site', lines: changes.map(changeInWords), count: counts?.changes ?? changes.length },
    { title: 'Of machines', lines: others.map(machineInWords), count: others.length + cut },
  ]
  return (
    <>
      {lists.map(
        ({ title, lines, count }) =>
          lines.length > 0 && (
            <ul key={title} class="changes" aria-label={title} tabIndex={0}>
              {lines.slice(0, SHOWN_MOST).map((line, index) => (
                <li key={index}>{line}</li>
              ))}
              <More count={count - Math.min(lines.length, SHOWN_MOST)} />
            </ul>
          ),
      )}
    </>
  )
}
