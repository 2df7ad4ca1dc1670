/** Secrets are shown to operators who ask for them and are told first that it is written down; they leave the page when the dialog closes. */
import { useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import type { Explanation } from '../../../schema/explanation.ts'
import type { MachineView } from '../../../schema/machine.ts'
import type { ShownPassword } from '../../../schema/document.ts'
import { inFull } from '../../parts/age.tsx'
import { CopyButton } from '../../parts/copy-button.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { Icon } from '../../parts/icon.tsx'
import { ProblemNotice } from '../../parts/problem-notice.tsx'
import { access, canOrder, post } from '../../wire/api.ts'
import type { PageProblem } from '../../wire/problem.ts'

type SecretProps<T> = {
  button: string
  title: string
  /** What will be written down, and what cannot be undone. */
  warning: ComponentChildren
  path: string
  children: (shown: T) => ComponentChildren
}

type Asked<T> =
  | { kind: 'asking' }
  | { kind: 'busy' }
  | { kind: 'shown'; value: T }
  | { kind: 'refused'; problem: PageProblem }

function Secret<T>({ button, title, warning, path, children }: SecretProps<T>) {
  const asked = useSignal<Asked<T> | undefined>(undefined)
  const ask = async (): Promise<void> => {
    asked.value = { kind: 'busy' }
    const answer = await post<T>(path, {})
    // Closed in the meantime: then nobody is to see it.
    if (asked.peek())
      asked.value = answer.ok ? { kind: 'shown', value: answer.value } : { kind: 'refused', problem: answer.problem }
  }
  const close = (): void => void (asked.value = undefined)
  const now = asked.value
  const isOver = now?.kind === 'shown' || now?.kind === 'refused'
  return (
    <>
      <button type="button" onClick={() => (asked.value = { kind: 'asking' })}>
        {button}…
      </button>
      {now && (
        <Dialog title={title} onClose={close}>
          <div class="form">
            {!isOver && (
              <div class="notice is-warn">
                <Icon name="attention" />
                <div>{warning}</div>
              </div>
            )}
            {now.kind === 'refused' && <ProblemNotice problem={now.problem} />}
            {now.kind === 'shown' && children(now.value)}
            <div class="buttons">
              <button type="button" autofocus onClick={close}>
                {isOver ? 'Close' : 'Cancel'}
              </button>
              {!isOver && (
                <button type="button" class="primary" disabled={now.kind === 'busy'} onClick={() => void ask()}>
                  {now.kind === 'busy' ? 'Asking' : 'Show it'}
                </button>
              )}
            </div>
          </div>
        </Dialog>
      )}
    </>
  )
}

function you(): string {
  const { value } = access
  return value.kind === 'in' ? value.session.user.name : 'you'
}

export function RevealAnswer({ machine: { id, name } }: { machine: MachineView }) {
  if (!canOrder()) return <p class="dim">Its secrets are masked; an operator can show them.</p>
  return (
    <Secret<Explanation>
      button="Show with secrets"
      title={`The answer of ${name}, with its secrets`}
      path={`/api/v1/machines/${encodeURIComponent(id)}/reveal`}
      warning={
        <p>
          Passwords and keys will be on this screen. The timeline of {name} will say that <strong>{you()}</strong> saw
          them, and when.
        </p>
      }
    >
      {({ answer }) =>
        answer ? (
          <>
            <pre class="code" tabIndex={0} aria-label="Answer">
              {answer.toml}
            </pre>
            <CopyButton text={answer.toml} what="the answer" />
          </>
        ) : (
          <p>There is no answer that it would get.</p>
        )
      }
    </Secret>
  )
}

export function RootPassword({ machine: { id, name, password } }: { machine: MachineView }) {
  if (!password) return null
  if (password.shownTo !== undefined)
    return (
      <p class="dim">
        Its random root password was shown to {password.shownTo}
        {password.shownAt && `, ${inFull(password.shownAt)}`}, and is kept no longer.
      </p>
    )
  if (!canOrder()) return <p class="dim">A random root password waits for an operator to see it, once.</p>
  return (
    <Secret<ShownPassword>
      button="Show root password"
      title={`The root password of ${name}`}
      path={`/api/v1/machines/${encodeURIComponent(id)}/password`}
      warning={
        <p>
          It can be shown <strong>once</strong>: then it is erased here, and nobody can ask for it again. Have your
          password store open. The timeline of {name} will say that <strong>{you()}</strong> saw it.
        </p>
      }
    >
      {({ password: shown, attempt }) => (
        <>
          <p>
            Of attempt <code>{attempt}</code>. It is erased here already: when this closes, it is gone.
          </p>
          <p class="password">
            <code>{shown}</code> <CopyButton text={shown} what="the password" />
          </p>
        </>
      )}
    </Secret>
  )
}
