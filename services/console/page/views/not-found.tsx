/** A path that the page does not know. */
import { EmptyState } from '../parts/empty-state.tsx'

export function NotFoundView() {
  return (
    <EmptyState isWholeView title="There is nothing here">
      <p>
        The address may be of another version. All machines are <a href="/">in the rack</a>.
      </p>
    </EmptyState>
  )
}
