/** Nothing here: why, and what to do next. */
import type { ComponentChildren } from 'preact'

export function EmptyState({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <section class="empty">
      <h2>{title}</h2>
      {children}
    </section>
  )
}
