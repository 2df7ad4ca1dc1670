/** The stream of events, read by `fetch`. */
import { NOTHING_READ, readChunk } from './event-stream.ts'
import { type Message, readMessage } from './messages.ts'

export type EventHandlers = {
  opened: () => void
  /** Anything came, be it a comment. */
  heard: () => void
  /** @param id to resume after */
  message: (message: Message, id: string | undefined) => void
  /** @param status of a refusal; 0 if the connection broke or was never made */
  ended: (status: number) => void
}

export type EventReader = { close: () => void }

async function readAll(body: ReadableStream<Uint8Array>, { heard, message }: EventHandlers): Promise<void> {
  const decoder = new TextDecoder()
  const reader = body.getReader()
  let { reading, events } = readChunk(NOTHING_READ, '')
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    heard()
    ;({ reading, events } = readChunk(reading, decoder.decode(value, { stream: true })))
    for (const event of events) {
      const read = readMessage(event)
      if (read) message(read, event.id)
    }
  }
}

/** @param lastId of the last event that was seen */
export function openEvents(lastId: string | undefined, handlers: EventHandlers): EventReader {
  const abort = new AbortController()
  const run = async (): Promise<number> => {
    const response = await fetch('/api/v1/events', {
      headers: { accept: 'text/event-stream', ...(lastId === undefined ? {} : { 'last-event-id': lastId }) },
      cache: 'no-store',
      signal: abort.signal,
    })
    if (!response.ok || !response.body) return response.status
    handlers.opened()
    await readAll(response.body, handlers)
    return 0
  }
  void run()
    .catch(() => 0)
    .then(status => {
      if (!abort.signal.aborted) handlers.ended(status)
    })
  return { close: () => abort.abort() }
}
