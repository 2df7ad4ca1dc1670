/** What the installer demands of `[post-installation-webhook]` and `[first-boot]`. */
import type { Problem } from '../kit/problem.ts'
import { answerError, answerWarning } from './problems.ts'
import type { Answer } from './schema.ts'
import { findUrlMistake, isFingerprint } from './shapes.ts'

function checkUrl(path: string, url: string): Problem[] {
  const mistake = findUrlMistake(url)
  return mistake ? [answerError('wrong-value', `${path} ${mistake}`, 'write a full URL with a host name')] : []
}

function checkFingerprint(path: string, fingerprint: string | undefined): Problem[] {
  if (fingerprint === undefined || isFingerprint(fingerprint)) return []
  const hint = 'write the SHA-256 of the certificate: 64 hexadecimal digits, colons allowed, no prefix'
  return [answerError('wrong-value', `${path} is not a SHA-256 fingerprint`, hint)]
}

export function checkWebhook(webhook: Answer['post-installation-webhook']): Problem[] {
  if (!webhook) return []
  const path = 'post-installation-webhook'
  return [
    ...checkUrl(`${path}.url`, webhook.url),
    ...checkFingerprint(`${path}.cert-fingerprint`, webhook['cert-fingerprint']),
  ]
}

export function checkFirstBoot(firstBoot: Answer['first-boot']): Problem[] {
  if (!firstBoot) return []
  const { source, url } = firstBoot
  const problems = checkFingerprint('first-boot.cert-fingerprint', firstBoot['cert-fingerprint'])
  if (source === 'from-iso') {
    if (url !== undefined) {
      const hint = 'remove it, or set source = "from-url"'
      problems.push(answerWarning('ineffective-key', 'first-boot.url is ignored with source = "from-iso"', hint))
    }
    const hint = 'prepare the ISO with --on-first-boot, or serve the script with the profile’s first-boot'
    problems.push(answerWarning('first-boot-elsewhere', 'first-boot needs a script inside the ISO', hint))
    return problems
  }
  if (url !== undefined) return [...problems, ...checkUrl('first-boot.url', url)]
  const hint = 'name a script in the profile’s first-boot, or write its url'
  return [...problems, answerError('missing-key', 'first-boot.url is missing', hint)]
}
