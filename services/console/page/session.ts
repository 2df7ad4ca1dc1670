/** Who is signed in decides whether the page listens: the stream of events begins and ends here. */
import { effect, signal } from '@preact/signals'
import { clearSelection, endOrder } from './store/orders.ts'
import { live } from './store/live.ts'
import { access, askSession, signIn } from './wire/api.ts'
import type { PageProblem } from './wire/problem.ts'

/** Why the one-time link did not open the door. */
export const linkProblem = signal<PageProblem | undefined>(undefined)

async function enter(link: string | undefined): Promise<void> {
  if (link !== undefined) {
    linkProblem.value = await signIn({ link })
    if (!linkProblem.value) return
  }
  await askSession()
}

export function startSession(link: string | undefined): void {
  let isIn = false
  effect(() => {
    const wasIn = isIn
    isIn = access.value.kind === 'in'
    if (isIn && !wasIn) live.start()
    if (isIn || !wasIn) return
    live.stop()
    endOrder()
    clearSelection()
  })
  // A phone that was in a pocket, a laptop that slept: at once, and not when the wait is over.
  addEventListener('online', () => live.retry())
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') live.retry()
  })
  void enter(link)
}
