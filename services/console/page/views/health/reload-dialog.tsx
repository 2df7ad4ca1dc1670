/** Loading the site file again: what that would change is shown first, then it is asked once, then said what became of it. */
import { useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useEffect } from 'preact/hooks'
import type { ReloadView } from '../../../schema/reload.ts'
import { Busy } from '../../parts/busy.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { ProblemNotice } from '../../parts/problem-notice.tsx'
import { Problems } from '../../parts/problems.tsx'
import { useRun } from '../../parts/run.ts'
import { post } from '../../wire/api.ts'
import type { PageProblem } from '../../wire/problem.ts'
import { counted } from '../../words/quantities.ts'
import { countsInWords } from '../../words/site-words.ts'
import { ChangeLists, Installs } from './site-changes.tsx'

/** A thousand answers are tried out before, and what is on its way to a webhook that is gone is waited for. */
const PATIENCE_MS = 120_000

type Body = { check: true } | { sha256: string }

const askReload = (body: Body) => post<ReloadView>('/api/v1/reload', body, PATIENCE_MS)

function Refused({ problem, isPreview }: { problem: PageProblem; isPreview: boolean }) {
  const { problems } = problem
  if (!problems) return <ProblemNotice problem={problem} />
  return (
    <>
      <p role="alert" class="consequence is-bad">
        {isPreview ? 'The file would be refused' : 'The file is refused, nothing was changed'}: the one of before is
        served on.
      </p>
      <Problems problems={problems} />
    </>
  )
}

function Warnings({ warnings }: Pick<ReloadView, 'warnings'>) {
  if (warnings.length === 0) return null
  return (
    <>
      <p>
        {counted(warnings.length, 'warning')}, which {warnings.length === 1 ? 'does' : 'do'} not refuse it:
      </p>
      <Problems problems={warnings} />
    </>
  )
}

function Told({ view, lead }: { view: ReloadView; lead: string }) {
  const { changes, machines, warnings, reloaded } = view
  const counts = { changes: changes.length, machines: machines.length }
  return (
    <>
      <p role="status">
        {lead}: {countsInWords(counts)}.
      </p>
      <Installs machines={machines} isDone={reloaded} />
      <ChangeLists changes={changes} machines={machines} />
      <Warnings warnings={warnings} />
    </>
  )
}

type FrameProps = { children: ComponentChildren; onClose: () => void; closing: string; actions?: ComponentChildren }

function Frame({ children, onClose, closing, actions }: FrameProps) {
  return (
    <div class="form">
      {children}
      <div class="buttons">
        <button type="button" autofocus onClick={onClose}>
          {closing}
        </button>
        {actions}
      </div>
    </div>
  )
}

type RoundProps = { onClose: () => void; onAgain: () => void }

/** From a look at the file to what became of it. Another look is another round. */
function Round({ onClose, onAgain }: RoundProps) {
  const preview = useRun(() => askReload({ check: true }))
  const load = useRun(() => askReload({ sha256: preview.state.peek().value!.sha256 }))
  useEffect(preview.start, [])
  const [looked, loaded] = [preview.state.value, load.state.value]
  const problem = loaded.problem ?? looked.problem
  if (loaded.value)
    return (
      <Frame onClose={onClose} closing="Close">
        <Told view={loaded.value} lead="Loaded" />
      </Frame>
    )
  if (problem)
    return (
      <Frame
        onClose={onClose}
        closing="Close"
        actions={
          <button type="button" class="primary" onClick={onAgain}>
            Look again
          </button>
        }
      >
        <Refused problem={problem} isPreview={!loaded.problem} />
      </Frame>
    )
  if (!looked.value)
    return (
      <Frame onClose={onClose} closing="Cancel">
        <Busy
          since={looked.startedAt ?? new Date().toISOString()}
          text="Checking the file, and what it would change."
        />
      </Frame>
    )
  const starts = looked.value.machines.filter(machine => machine.starts).length
  const isLoading = loaded.startedAt !== undefined
  return (
    <Frame
      onClose={onClose}
      closing={isLoading ? 'Close' : 'Cancel'}
      actions={
        <button type="button" class={starts > 0 ? 'danger' : 'primary'} disabled={isLoading} onClick={load.start}>
          {starts > 0 ? `Load it, and install ${counted(starts, 'machine')}` : 'Load it'}
        </button>
      }
    >
      <Told view={looked.value} lead="It would be loaded" />
      {loaded.startedAt !== undefined && <Busy since={loaded.startedAt} text="Loading the file." />}
    </Frame>
  )
}

export function ReloadDialog({ onClose }: { onClose: () => void }) {
  const round = useSignal(0)
  return (
    <Dialog title="Load the site file again?" onClose={onClose}>
      <Round key={round.value} onClose={onClose} onAgain={() => round.value++} />
    </Dialog>
  )
}
