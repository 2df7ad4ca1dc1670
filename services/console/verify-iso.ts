/** An ISO of the library compared with what was published, while the appliance serves: in small pieces, with rests in between. */
import type { IsoCatalogue } from '../iso/catalogue.ts'
import { usualKeyrings } from '../iso/signature.ts'
import type { Verification } from '../iso/verification.ts'
import type { Clock } from '../kit/clock.ts'
import { isProblem } from '../kit/is-problem.ts'
import type { Log } from '../kit/log.ts'
import type { Problem } from '../kit/problem.ts'
import type { WorkList } from '../kit/work.ts'
import { Pace } from '../machine/pace.ts'

/** Half of the time belongs to others, and all of it while a rack is being written down. */
const REST_MS = 1

export interface IsoVerifier {
  /** What its work is called. */
  idOf(file: string): string
  /** Undefined if it runs now, be it since before. @param who asks */
  start(file: string, who: string): Problem | undefined
}

export type VerifierContext = {
  catalogue: Pick<IsoCatalogue, 'files' | 'verify'>
  work: WorkList
  /** `waiting`: writes that are not on stable storage yet. */
  store: { readonly waiting: number }
  clock: Clock
  log: Log
}

function unknownIso(file: string): Problem {
  const message = `the library has no file ${file}`
  return { code: 'iso-unknown', message, hint: 'see `rackrise iso list` for what there is', severity: 'error' }
}

export function isoVerifier({ catalogue, work, store, clock, log }: VerifierContext): IsoVerifier {
  const pace = new Pace({ clock, waiting: () => store.waiting })
  const idOf = (file: string): string => `verify:${file}`
  const tellOutcome = (file: string, found: Verification | Problem): void => {
    if (isProblem(found)) log.warn({ code: found.code, file }, `not verified: ${found.message}; ${found.hint}`)
    else log.info({ file, outcome: found.outcome, signature: found.signature }, `verified: ${found.outcome}`)
  }
  const verify = async (file: string, total: number): Promise<void> => {
    const about = { id: idOf(file), what: 'verify', subject: file, unit: 'bytes', total, canCancel: true } as const
    const found = await work.run(about, async (tell, signal) =>
      catalogue.verify(file, {
        ...{ keyrings: await usualKeyrings(), now: () => clock.now(), signal, rest: () => pace.rest(REST_MS) },
        onProgress: (done, all) => tell({ done, total: all }),
      }),
    )
    tellOutcome(file, found)
  }
  return {
    idOf,
    start(file, who) {
      const library = catalogue.files().find(known => known.file === file)
      if (!library) return unknownIso(file)
      if (!library.entry) return isProblem(library.result) ? library.result : unknownIso(file)
      if (work.isRunning(idOf(file))) return undefined
      log.info({ file, who }, 'verification began')
      void verify(file, library.size).catch((error: unknown) =>
        log.info({ file, error: String(error) }, 'verification ended before its end'),
      )
      return undefined
    },
  }
}
