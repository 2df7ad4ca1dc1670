/** Where the page is: ordinary links, caught and turned into views without loading anything. */
import { signal } from '@preact/signals'
import { type Match, matchPath } from './paths.ts'

/** Undefined: a path that is not the page's. */
export const place = signal<Match | undefined>(matchPath(location.pathname))

function arrive(): void {
  place.value = matchPath(location.pathname)
}

export function go(path: string): void {
  history.pushState(null, '', path)
  scrollTo(0, 0)
  arrive()
}

/** Changes what is behind the path without a step in the history: filters, while they are typed. */
export function replaceQuery(query: string): void {
  history.replaceState(history.state, '', location.pathname + query)
}

function linkOf(event: MouseEvent): HTMLAnchorElement | undefined {
  if (event.defaultPrevented || event.button !== 0) return undefined
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return undefined
  const link = (event.target as Element).closest('a')
  const isOurs = link && link.origin === location.origin && link.target === '' && !link.hasAttribute('download')
  return isOurs && matchPath(link.pathname) ? link : undefined
}

export function startRouter(): void {
  addEventListener('popstate', arrive)
  addEventListener('click', event => {
    const link = linkOf(event)
    if (!link || link.hash !== '') return
    event.preventDefault()
    if (link.href !== location.href) go(link.pathname + link.search)
  })
}
