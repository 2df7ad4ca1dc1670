/** A one-time link is `/#link=TOKEN`: a fragment never reaches a log, and this takes it out of the address bar and the history, too. */

/** @returns the token, if the page was opened by such a link */
export function startLink(): string | undefined {
  const token = new URLSearchParams(location.hash.slice(1)).get('link')
  if (token === null || token === '') return undefined
  history.replaceState(null, '', location.pathname + location.search)
  return token
}
