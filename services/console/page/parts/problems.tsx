/** Problems of the site, of layers, of ISOs: what is wrong, in which file and line, and what to do. */
import type { Problem } from '../../../kit/problem.ts'
import { Icon } from './icon.tsx'
import { Words } from './words.tsx'

function Place({ place: { file, line, column } }: { place: NonNullable<Problem['place']> }) {
  return <code class="place">{[file, line, column].filter(part => part !== undefined).join(':')}</code>
}

const worstFirst = (a: Problem, b: Problem): number => Number(b.severity === 'error') - Number(a.severity === 'error')

export function Problems({ problems }: { problems: readonly Problem[] }) {
  if (problems.length === 0) return null
  return (
    <ul class="problems">
      {problems.toSorted(worstFirst).map((problem, index) => (
        <li key={index} class={problem.severity === 'error' ? 'is-bad' : 'is-warn'}>
          <Icon name={problem.severity === 'error' ? 'failed' : 'attention'} />
          <div>
            <p>
              <strong>
                {problem.severity === 'error' ? 'Error' : 'Warning'}: <Words text={problem.message} />
              </strong>
            </p>
            <p>
              What to do: <Words text={problem.hint} />
            </p>
            <p class="dim">
              <code>{problem.code}</code> {problem.place && <Place place={problem.place} />}
            </p>
          </div>
        </li>
      ))}
    </ul>
  )
}
