/** What is known of something, as names and values. What is not known is not there. */
import type { ComponentChildren } from 'preact'

export type Fact = readonly [title: string, value: ComponentChildren | undefined]

export function Facts({ facts }: { facts: readonly Fact[] }) {
  return (
    <dl class="facts">
      {facts.map(([title, value]) =>
        value === undefined || value === '' ? null : (
          <div key={title}>
            <dt>{title}</dt>
            <dd>{value}</dd>
          </div>
        ),
      )}
    </dl>
  )
}
