/**
 * The site of now, where it may be replaced: each key is that of the file that was loaded last. Rooms hold this one object as their site and read it when
 * they decide, so a reload is one assignment, between two turns of the event loop: nobody sees half of a file.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Site } from './types.ts'

export class LiveSite implements Site {
  #current: Site

  constructor(first: Site) {
    this.#current = first
  }

  /** Frozen: for who has to wait for something, and must not go on with another site. */
  get current(): Site {
    return this.#current
  }

  /** From here on it is this site. */
  use(next: Site): void {
    this.#current = withWhatIsAlike(next, this.#current)
  }

  get file() {
    return this.#current.file
  }
  get sha256() {
    return this.#current.sha256
  }
  get name() {
    return this.#current.name
  }
  get domain() {
    return this.#current.domain
  }
  get network() {
    return this.#current.network
  }
  get dhcp() {
    return this.#current.dhcp
  }
  get dns() {
    return this.#current.dns
  }
  get http() {
    return this.#current.http
  }
  get boot() {
    return this.#current.boot
  }
  get paths() {
    return this.#current.paths
  }
  get profiles() {
    return this.#current.profiles
  }
  get machines() {
    return this.#current.machines
  }
  get rules() {
    return this.#current.rules
  }
  get webhooks() {
    return this.#current.webhooks
  }
  get console() {
    return this.#current.console
  }
  get store() {
    return this.#current.store
  }
  get log() {
    return this.#current.log
  }
}

/** What is the same in both is the same object: nothing that was worked out from it has to be worked out again. */
function withWhatIsAlike(next: Site, before: Site): Site {
  const alike = (Object.keys(next) as (keyof Site)[]).filter(key => isDeepStrictEqual(next[key], before[key]))
  return Object.freeze({ ...next, ...Object.fromEntries(alike.map(key => [key, before[key]])) })
}

/** The site as it is now, whatever is loaded later. */
export function siteNow(site: Site): Site {
  return site instanceof LiveSite ? site.current : site
}
