/** What was found when an ISO was compared with a list of checksums, and what follows from it. */
import { z } from 'zod'
import type { Problem } from '../kit/problem.ts'

/** `none`: the list has no signature. `unchecked`: nobody could say. `bad`: somebody else wrote the list, or changed it. */
const SIGNATURES = ['good', 'bad', 'unchecked', 'none'] as const

export const verificationShape = z.object({
  /** `failed`: it is not the file that was published. `unlisted`: no list names it. */
  outcome: z.enum(['good', 'failed', 'unlisted']),
  /** Of the file as it is, 64 hexadecimal digits in lower case. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  /** The lists that name it, without their folder. */
  lists: z.array(z.string().max(255)).max(16),
  /** The worst of the signatures of those lists. */
  signature: z.enum(SIGNATURES),
  /** In words: why it failed, why a signature was not checked, or who signed. */
  why: z.string().max(500).optional(),
  /** Milliseconds since 1970. */
  at: z.number(),
})

export type Verification = z.infer<typeof verificationShape>

/** A file that failed is not served; undefined for any other outcome. Problem `iso-checksum-failed`. */
export function checksumProblem(file: string, path: string, found: Verification | undefined): Problem | undefined {
  if (found?.outcome !== 'failed') return undefined
  return {
    code: 'iso-checksum-failed',
    message: `${file} is not what was published: ${found.why ?? 'its checksum is another one'}`,
    hint: 'download it and its SHA256SUMS again, then `rackrise iso verify`; until then it is not served',
    severity: 'error',
    place: { file: path },
  }
}
