/** The way in: a password, or a one-time link where there are no users yet. */
import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { textOf } from '../parts/form-text.ts'
import { ProblemNotice } from '../parts/problem-notice.tsx'
import { linkProblem } from '../session.ts'
import { signIn } from '../wire/api.ts'
import type { PageProblem } from '../wire/problem.ts'

function PasswordForm() {
  const problem = useSignal<PageProblem | undefined>(undefined)
  const isBusy = useSignal(false)
  const name = useRef<HTMLInputElement>(null)
  useEffect(() => name.current?.focus(), [])
  const submit = async (form: HTMLFormElement): Promise<void> => {
    const data = new FormData(form)
    isBusy.value = true
    problem.value = await signIn({ name: textOf(data, 'name'), password: textOf(data, 'password') })
    isBusy.value = false
    if (problem.value) form.querySelector<HTMLInputElement>('[name=password]')?.select()
  }
  return (
    <form
      class="form"
      onSubmit={event => {
        event.preventDefault()
        void submit(event.currentTarget)
      }}
    >
      <label>
        Name
        <input ref={name} name="name" autocomplete="username" autocapitalize="none" spellcheck={false} required />
      </label>
      <label>
        Password
        <input name="password" type="password" autocomplete="current-password" required />
      </label>
      {problem.value && <ProblemNotice problem={problem.value} />}
      <button type="submit" class="primary" disabled={isBusy.value}>
        {isBusy.value ? 'Signing in' : 'Sign in'}
      </button>
      <p class="dim">
        No password, or a lost one? <code>sudo rackrise console link</code> on the appliance prints a way in.
      </p>
    </form>
  )
}

function LinkAdvice() {
  return (
    <>
      <p>Nobody has an account here yet, so the way in is a link that works once.</p>
      <ol>
        <li>
          <code>sudo rackrise console link</code> on the appliance prints one.
        </li>
        <li>
          For accounts with passwords, name a <code>users-file</code> in the <code>[console]</code> section of the site
          file, and add people with <code>sudo rackrise user add</code>.
        </li>
      </ol>
    </>
  )
}

export function SignInView({ problem }: { problem: PageProblem }) {
  const isExpected = problem.code === 'not-signed-in'
  return (
    <section class="sign-in">
      <h1 tabIndex={-1}>Sign in</h1>
      {linkProblem.value && <ProblemNotice problem={linkProblem.value} />}
      {!isExpected && <ProblemNotice problem={problem} />}
      {isExpected && problem.canLink ? <LinkAdvice /> : <PasswordForm />}
    </section>
  )
}
