/** Conditional requests (RFC 9110 §13), as a pure function over headers and what would be sent. */

export type Validators = {
  /** Strong, quoted. */
  etag: string
  /** As an HTTP date; only where a later change can't have the same one unnoticed. */
  lastModified: string | undefined
}

export type Conditions = {
  ifMatch: string | undefined
  ifUnmodifiedSince: string | undefined
  ifNoneMatch: string | undefined
  ifModifiedSince: string | undefined
}

const ENTITY_TAG = /(?:W\/)?"[^"]*"/g

function lists(header: string, etag: string, comparison: 'strong' | 'weak'): boolean {
  if (header.trim() === '*') return true
  const tags = header.match(ENTITY_TAG) ?? []
  return tags.some(tag => (comparison === 'weak' ? tag.replace(/^W\//, '') : tag) === etag)
}

/** What is no date is as good as not there (§13.1.3). */
function isDate(header: string | undefined): header is string {
  return header !== undefined && !Number.isNaN(Date.parse(header))
}

/**
 * For GET and HEAD, in the order of §13.2.2. Dates are compared as equal or not, as nginx does: a file that was replaced by an older one is another one.
 */
export function decidePrecondition(
  { ifMatch, ifUnmodifiedSince, ifNoneMatch, ifModifiedSince }: Conditions,
  { etag, lastModified }: Validators,
): 'send' | 304 | 412 {
  if (ifMatch !== undefined) {
    if (!lists(ifMatch, etag, 'strong')) return 412
  } else if (lastModified && isDate(ifUnmodifiedSince) && ifUnmodifiedSince !== lastModified) return 412
  if (ifNoneMatch !== undefined) return lists(ifNoneMatch, etag, 'weak') ? 304 : 'send'
  return lastModified && isDate(ifModifiedSince) && ifModifiedSince === lastModified ? 304 : 'send'
}
