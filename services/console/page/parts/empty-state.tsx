/** Nothing here: why, and what to do next. */
import type { ComponentChildren } from 'preact'

type EmptyStateProps = { title: string; children: ComponentChildren; isWholeView?: boolean }

export function EmptyState({ title, children, isWholeView = false }: EmptyStateProps) {
  return (
    <section class="empty">
      {isWholeView ? <h1 tabIndex={-1}>{title}</h1> : <h2>{title}</h2>}
      {children}
    </section>
  )
}
