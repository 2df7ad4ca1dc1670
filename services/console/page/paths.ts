/** The page's own paths: what the server answers with `index.html`, and what the route table has a view for. */

export const PAGE_PATHS = [
  '/',
  '/machines/:id',
  '/machines/:id/answer',
  '/machines/:id/attempts',
  '/machines/:id/hardware',
  '/isos',
  '/leases',
  '/rules',
  '/health',
] as const

export type PagePath = (typeof PAGE_PATHS)[number]

export type Params = Readonly<Record<string, string>>

export type Match = { path: PagePath; params: Params }

function paramsOf(pattern: string, pathname: string): Params | undefined {
  const wanted = pattern.split('/')
  const given = pathname.split('/')
  if (wanted.length !== given.length) return undefined
  const params: Record<string, string> = {}
  for (const [index, part] of wanted.entries()) {
    const value = given[index]!
    if (part.startsWith(':')) {
      if (value === '') return undefined
      params[part.slice(1)] = value
    } else if (part !== value) return undefined
  }
  return params
}

/** Undefined for a path that is not the page's, and for one with a broken percent escape. */
export function matchPath(pathname: string): Match | undefined {
  for (const path of PAGE_PATHS) {
    const params = paramsOf(path, pathname)
    if (!params) continue
    try {
      return { path, params: Object.fromEntries(Object.entries(params).map(([k, v]) => [k, decodeURIComponent(v)])) }
    } catch {
      return undefined
    }
  }
  return undefined
}

/** Where a machine is shown. Colons stay as they are, so that a MAC can be read in the address bar. */
export function machinePath(id: string, part: 'timeline' | 'answer' | 'attempts' | 'hardware' = 'timeline'): string {
  const path = `/machines/${encodeURIComponent(id).replaceAll('%3A', ':')}`
  return part === 'timeline' ? path : `${path}/${part}`
}
