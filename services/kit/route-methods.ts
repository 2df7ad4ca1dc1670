/** What may be done with each path, so that another method gets 405 and not 404 (RFC 9110 §15.5.6). Pure. */

export class RouteMethods {
  readonly #methods = new Map<string, Set<string>>()

  /** @param url a pattern: `:name` stands for one part of a path, a wildcard for files, of which each is there or not */
  add(url: string, methods: string | readonly string[]): void {
    const known = this.#methods.get(url) ?? new Set()
    for (const method of [methods].flat()) known.add(method)
    this.#methods.set(url, known)
  }

  /** @returns as the header `Allow` has them; undefined where nothing is at that path */
  allowedAt(path: string): string | undefined {
    const url = [...this.#methods.keys()].find(pattern => new RegExp(`^${expressionOf(pattern)}$`).test(path))
    return url === undefined ? undefined : [...this.#methods.get(url)!].join(', ')
  }
}

function expressionOf(url: string): string {
  return url.replaceAll('.', '\\.').replaceAll('*', '(?!)').replaceAll(/:\w+/g, '[^/]+')
}
