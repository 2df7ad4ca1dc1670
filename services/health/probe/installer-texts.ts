/** What the zone tells the installer of a machine whose attempt waits, by the functions that answer on the wire. */
import { answer } from '../../dns/answer.ts'
import { contextOf } from '../../dns/context.ts'
import { foldCase } from '../../dns/name.ts'
import { CLASS_IN } from '../../dns/screen.ts'
import { TYPE } from '../../dns/zone.ts'
import type { Site } from '../../site/types.ts'
import type { InstallerTexts } from './names.ts'

/** The installer's own labels (spec of the automated installation). */
const LABELS = { url: 'proxmox-auto-installer', fingerprint: 'proxmox-auto-installer-cert-fingerprint' } as const

export function installerTexts(
  site: Pick<Site, 'domain' | 'network' | 'dns' | 'dhcp'>,
  due: { url: string; fingerprint: string },
): InstallerTexts {
  const view = { answerFor: () => due, addressOf: () => undefined, nameOf: () => undefined, isAbove: () => false }
  const context = contextOf(site, view, 1)
  const ask = (label: string): string | undefined => {
    const name = `${label}.${site.domain}`
    const question = { name, key: foldCase(name), type: TYPE.TXT, class: CLASS_IN, end: 0 }
    const query = { spelling: new Uint8Array(), id: 0, recursionDesired: true, checkingDisabled: false, question }
    const outcome = answer(query, site.network.address, context)
    const data = outcome.outcome === 'reply' ? outcome.reply.answers[0]?.data[0] : undefined
    return data?.type === 'TXT' ? data.text : undefined
  }
  return { url: ask(LABELS.url), fingerprint: ask(LABELS.fingerprint) }
}
