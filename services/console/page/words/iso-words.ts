/** What is known of an ISO, in words. Pure. */
import type { IsoView } from '../../schema/iso.ts'
import type { Severity } from './severity.ts'

type Found = NonNullable<IsoView['checksum']>

const SIGNATURES: Record<Exclude<Found['signature'], 'good'>, string> = {
  bad: 'the signature of the list is bad',
  unchecked: 'its signature was not checked',
  none: 'the list is not signed',
}

/** Whose signature it is, as the key says it. */
const signedBy = (why: string | undefined): string => `the list is ${why ?? 'signed by Proxmox'}`

export type ChecksumWords = { severity: Severity; state: string; why: string }

/** Whether it is the file that was published, as far as anybody looked. */
export function checksumInWords(checksum: IsoView['checksum']): ChecksumWords {
  if (!checksum) return { severity: 'info', state: 'not verified', why: '' }
  const { outcome, lists, signature, why } = checksum
  if (outcome === 'failed') return { severity: 'error', state: 'wrong', why: why ?? 'its checksum is another one' }
  if (outcome === 'unlisted') return { severity: 'warning', state: 'unlisted', why: 'no list of checksums names it' }
  const who = signature === 'good' ? signedBy(why) : SIGNATURES[signature]
  const severity = signature === 'good' ? 'ok' : signature === 'bad' ? 'error' : 'warning'
  return {
    severity,
    state: signature === 'bad' ? 'in doubt' : 'good',
    why: `as ${lists.join(', ')} says; ${who}`,
  }
}

/** As somebody prepared it; undefined as Proxmox publishes it. */
export function preparedInWords(prepared: NonNullable<IsoView['facts']>['prepared']): string | undefined {
  if (!prepared) return undefined
  const { mode, url, answer, firstBoot } = prepared
  const also = [answer && 'an answer file', firstBoot && 'a first-boot script'].filter(Boolean).join(' and ')
  return `prepared: mode ${mode}${url ? `, asks ${url}` : ''}${also ? `, with ${also}` : ''}`
}
