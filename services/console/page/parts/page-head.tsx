/** The head of a view: what it is, and what can be done with all of it. */
import type { ComponentChildren } from 'preact'

export function PageHead({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="page-head">
      <h1 tabIndex={-1}>{title}</h1>
      {children && <div class="buttons">{children}</div>}
    </div>
  )
}
