/** What is wrong, where, and what to do. */
import type { PageProblem } from '../wire/problem.ts'
import { Icon } from './icon.tsx'
import { Words } from './words.tsx'

export function ProblemNotice({ problem }: { problem: Pick<PageProblem, 'message' | 'hint' | 'code' | 'errors'> }) {
  return (
    <div class="notice is-bad" role="alert">
      <Icon name="attention" />
      <div>
        <p>
          <strong>{problem.message}</strong>
        </p>
        {problem.errors.map(({ path, message }) => (
          <p key={path}>
            <code>{path}</code> {message}
          </p>
        ))}
        <p>
          What to do: <Words text={problem.hint} />
        </p>
        <p class="dim">
          <code>{problem.code}</code>
        </p>
      </div>
    </div>
  )
}
