/**
 * Server-sent events out of text (WHATWG HTML §9.2.6), as a function of state and chunk. The page reads them by `fetch` and not by `EventSource`, which hides two
 * things that matter here: the comment lines that say the connection lives, and the status that says why it does not.
 */

export type SentEvent = { name: string; data: string; id?: string }

/** What was read of an event that is not complete. */
export type Reading = { rest: string; name: string; data: string[]; id?: string }

export const NOTHING_READ: Reading = { rest: '', name: '', data: [] }

/** Lines end with CR LF, LF or CR; a CR at the end of a chunk may be half of a CR LF, so it waits. */
const LINE = /([^\r\n]*)(\r\n|\n|\r(?!$))/y

function withLine(reading: Reading, line: string): Reading {
  const colon = line.indexOf(':')
  if (colon === 0) return reading
  const field = colon < 0 ? line : line.slice(0, colon)
  const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
  if (field === 'event') return { ...reading, name: value }
  if (field === 'data') return { ...reading, data: [...reading.data, value] }
  if (field === 'id' && !value.includes('\0')) return { ...reading, id: value }
  return reading
}

export function readChunk(before: Reading, chunk: string): { reading: Reading; events: SentEvent[] } {
  const text = before.rest + chunk
  const events: SentEvent[] = []
  let reading: Reading = before
  LINE.lastIndex = 0
  let used = 0
  for (let found = LINE.exec(text); found; found = LINE.exec(text)) {
    used = LINE.lastIndex
    const line = found[1]!
    if (line !== '') {
      reading = withLine(reading, line)
      continue
    }
    const { name, data, id } = reading
    if (data.length > 0)
      events.push({ name: name || 'message', data: data.join('\n'), ...(id === undefined ? {} : { id }) })
    reading = NOTHING_READ
  }
  return { reading: { ...reading, rest: text.slice(used) }, events }
}
