/**
 * What it means that an image was prepared. An attempt's mode file replaces a baked one on the wire, so that booting
 * from here is safe; booted in any other way the image goes where its own mode file says, whatever DHCP and DNS say.
 */
import type { Problem } from '../kit/problem.ts'
import type { IsoEntry } from './entry.ts'
import type { ParsedModeFile } from './mode-file.ts'

/** Where this appliance answers, and the SHA-256 of its certificate where that is known: hexadecimal digits, any case, colons or not. */
export type Ours = { answerUrl: string; fingerprint?: string }

/** The path that Datacenter Manager uses, which is served too. */
const MANAGER_PATH = '/api2/json/auto-install/answer'
const ELSEWHERE = 'Booted by this appliance it asks here, since its mode file is replaced on the wire; booted otherwise'

function urlOf(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined
}

/** Whether a request to `url` reaches the answer endpoint of this appliance, by the address that it tells machines itself. */
function isOurs(url: string, { answerUrl }: Ours): boolean {
  const [baked, own] = [urlOf(url), urlOf(answerUrl)]
  if (!baked || !own || baked.origin !== own.origin) return false
  const { pathname } = baked
  return pathname === own.pathname || pathname.startsWith(`${own.pathname}/`) || pathname === MANAGER_PATH
}

/** A URL without what may be secret in it: password and query. */
export function maskUrl(text: string): string {
  const url = urlOf(text)
  if (!url) return printable(text)
  if (url.username || url.password) [url.username, url.password] = ['***', '']
  if (url.search) url.search = '?***'
  return printable(url.href)
}

const MOST_SHOWN = 200

/** Text out of an image, for a terminal: control characters and whatever turns the line around are not passed on. */
export function printable(text: string): string {
  const clean = text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '?')
  return clean.length > MOST_SHOWN ? `${clean.slice(0, MOST_SHOWN)}...` : clean
}

const digits = (fingerprint: string): string => fingerprint.replaceAll(':', '').toLowerCase()

type Found = [code: string, message: string, hint: string]

const AS_PUBLISHED = 'use the ISO as Proxmox publishes it'

function foundInHttp({ url, certFingerprint }: ParsedModeFile, ours: Ours | undefined): Found[] {
  if (!ours) return []
  if (url !== undefined && !isOurs(url, ours)) {
    const message = `it was prepared for ${maskUrl(url)}, which silently beats DHCP and DNS. ${ELSEWHERE} it asks there`
    return [['iso-baked-url', message, AS_PUBLISHED]]
  }
  if (certFingerprint === undefined || !ours.fingerprint) return []
  if (digits(certFingerprint) === digits(ours.fingerprint)) return []
  const message = `it was prepared for a certificate that is not this appliance's (${printable(certFingerprint)}). ${ELSEWHERE} it refuses ours`
  return [
    [
      'iso-baked-fingerprint',
      message,
      'use the ISO as Proxmox publishes it, or prepare it anew: `rackrise iso prepare`',
    ],
  ]
}

function foundIn(mode: ParsedModeFile | undefined, ours: Ours | undefined): Found[] {
  switch (mode?.mode) {
    case undefined:
      return [
        [
          'iso-baked-unreadable',
          `its mode file cannot be read. ${ELSEWHERE} its installer stops in a shell`,
          AS_PUBLISHED,
        ],
      ]
    case 'http':
      return foundInHttp(mode, ours)
    case 'iso':
      return [
        ['iso-baked-answer', `it was prepared with an answer of its own. ${ELSEWHERE} it installs that`, AS_PUBLISHED],
      ]
    case 'partition': {
      const label = printable(mode.partitionLabel ?? 'proxmox-ais')
      const message = `it was prepared for an answer on a disk labelled "${label}". ${ELSEWHERE} it looks there`
      return [['iso-baked-partition', message, AS_PUBLISHED]]
    }
  }
}

/**
 * Warnings `iso-baked-*` about an image that was prepared for something else than this appliance.
 * @param ours undefined where nobody knows it: then no URL and no certificate is foreign
 */
export function bakedProblems(
  { file, path, baked, modeFile }: Pick<IsoEntry, 'file' | 'path' | 'baked' | 'modeFile'>,
  ours: Ours | undefined,
): Problem[] {
  if (!baked.modeFile) return []
  return foundIn(modeFile, ours).map(([code, message, hint]) => ({
    code,
    message: `${file}: ${message}`,
    hint,
    severity: 'warning',
    place: { file: path },
  }))
}
