/** What the installer demands of `[post-installation-webhook]` and `[first-boot]`. */
import type { AnswerView } from './draft.ts'
import { type AnswerProblem, errorAt, warningAt } from './problems.ts'
import { findUrlMistake, isFingerprint } from './shapes.ts'

type Called = { url?: string | undefined; 'cert-fingerprint'?: string | undefined }

function checkUrl(table: string, url: string | undefined): AnswerProblem[] {
  const mistake = url === undefined ? undefined : findUrlMistake(url)
  const hint = 'write a full URL with a host name'
  return mistake ? [errorAt([table, 'url'], 'wrong-value', `${table}.url ${mistake}`, hint)] : []
}

function checkFingerprint(table: string, { url, 'cert-fingerprint': fingerprint }: Called): AnswerProblem[] {
  if (fingerprint === undefined) return []
  const path = [table, 'cert-fingerprint']
  const name = `${table}.cert-fingerprint`
  if (!isFingerprint(fingerprint)) {
    const hint = 'write the SHA-256 of the certificate: 64 hexadecimal digits, colons allowed, no prefix'
    return [errorAt(path, 'wrong-value', `${name} is not a SHA-256 fingerprint`, hint)]
  }
  if (url === undefined || !/^http:/i.test(url)) return []
  return [warningAt(path, 'ineffective-key', `${name} is ignored with http`, 'use https, or remove it')]
}

export function checkWebhook({ draft }: AnswerView): AnswerProblem[] {
  const table = 'post-installation-webhook'
  const webhook = draft[table]
  return webhook ? [...checkUrl(table, webhook.url), ...checkFingerprint(table, webhook)] : []
}

const FIRST_BOOT = 'first-boot'

function checkFromIso(firstBoot: Called): AnswerProblem[] {
  const ignored = (['url', 'cert-fingerprint'] as const).filter(key => firstBoot[key] !== undefined)
  const hint = 'prepare the ISO with --on-first-boot, or serve the script with the profile’s first-boot'
  return [
    ...ignored.map(key => {
      const message = `first-boot.${key} is ignored with source = "from-iso"`
      return warningAt([FIRST_BOOT, key], 'ineffective-key', message, 'remove it, or set source = "from-url"')
    }),
    warningAt([FIRST_BOOT, 'source'], 'first-boot-elsewhere', 'first-boot needs a script inside the ISO', hint),
  ]
}

export function checkFirstBoot({ draft, isUnknown }: AnswerView): AnswerProblem[] {
  const firstBoot = draft[FIRST_BOOT]
  if (!firstBoot) return []
  if (firstBoot.source === 'from-iso') return checkFromIso(firstBoot)
  const problems = [...checkFingerprint(FIRST_BOOT, firstBoot), ...checkUrl(FIRST_BOOT, firstBoot.url)]
  if (firstBoot.source !== 'from-url' || firstBoot.url !== undefined || isUnknown('first-boot.url')) return problems
  const hint = 'name a script in the profile’s first-boot, or write its url'
  return [...problems, errorAt([FIRST_BOOT], 'missing-key', 'first-boot.url is missing', hint)]
}
