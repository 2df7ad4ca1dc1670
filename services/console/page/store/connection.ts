/** Whether what the page shows is true now: the connection as a pure state, and when to try again. */

export type Connection =
  | { kind: 'connecting' }
  | { kind: 'live' }
  /** `since`: when it was last known to be true, as a time of this computer. `tries` so far. */
  | { kind: 'reconnecting'; since: number; tries: number }
  | { kind: 'signed-out' }

export type ConnectionNews = { kind: 'opened' } | { kind: 'broke'; at: number } | { kind: 'refused' }

export function advance(connection: Connection, news: ConnectionNews): Connection {
  switch (news.kind) {
    case 'opened':
      return { kind: 'live' }
    case 'refused':
      return { kind: 'signed-out' }
    case 'broke':
      return connection.kind === 'reconnecting'
        ? { ...connection, tries: connection.tries + 1 }
        : { kind: 'reconnecting', since: news.at, tries: 0 }
  }
}

const FIRST_WAIT_MS = 500
const LONGEST_WAIT_MS = 15_000

/**
 * Milliseconds until the next try: soon at first, and spread, so that twenty browsers do not come back in one moment.
 * @param chance from 0 to 1
 */
export function waitBefore(tries: number, chance: number): number {
  return Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** tries) * (0.75 + chance / 2)
}

/** The appliance says something every 15 s (a comment, if there is nothing); after this long it is gone, whatever TCP thinks. */
export const SILENCE_MS = 40_000
