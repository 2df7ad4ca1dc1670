/** What the installer demands of `[global]`: name and place of the machine. Who may log in is in check-access.ts. */
import { isAtLeast } from './dialect.ts'
import type { AnswerView } from './draft.ts'
import { COUNTRIES, suggestCountry, suggestTimeZone, TIME_ZONES } from './locale.ts'
import { type AnswerProblem, errorAt, warningAt } from './problems.ts'
import { findNameMistake, isDomainName } from './shapes.ts'
import { shown } from '../site/finding.ts'

const FQDN = ['global', 'fqdn']
const DOMAIN = [...FQDN, 'domain']

function checkFqdn({ draft, target }: AnswerView): AnswerProblem[] {
  const fqdn = draft.global?.fqdn
  if (fqdn === undefined) return []
  if (typeof fqdn === 'string') {
    const mistake = findNameMistake(fqdn)
    const hint = 'write a full name such as "node1.example.org"'
    return mistake ? [errorAt(FQDN, 'wrong-value', `global.fqdn ${mistake}`, hint)] : []
  }
  if (!isAtLeast(target.installer, [8, 4, 3])) {
    const message = 'global.fqdn from DHCP is newer than this ISO (8.4.3)'
    return [errorAt(FQDN, 'newer-key', message, 'write the full name as a string')]
  }
  const { domain } = fqdn
  if (domain === '') {
    // An empty domain means none since 9.0.5 only; before, the name silently becomes "<product>.example.invalid".
    if (isAtLeast(target.installer, [9, 0, 5])) return []
    return [errorAt(DOMAIN, 'wrong-value', 'global.fqdn has an empty domain', 'remove the domain')]
  }
  if (domain === undefined || isDomainName(domain)) return []
  return [errorAt(DOMAIN, 'wrong-value', 'global.fqdn has a malformed domain', 'write one such as "example.org"')]
}

/** The grammar of HTML's `input type=email`: no dot needed in the domain. */
const MAIL =
  /^[a-z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/i
const PLACEHOLDER = 'mail@example.invalid'

function checkMail({ draft }: AnswerView): AnswerProblem[] {
  const mailto = draft.global?.mailto
  if (mailto === undefined) return []
  const path = ['global', 'mailto']
  if (mailto === PLACEHOLDER) {
    return [errorAt(path, 'wrong-value', 'global.mailto is the installer’s placeholder', 'use a real one')]
  }
  if (MAIL.test(mailto)) return []
  return [errorAt(path, 'wrong-value', 'global.mailto is not a mail address', 'write one such as "ops@example.org"')]
}

function didYouMean(meant: string | undefined, otherwise: string): string {
  return meant === undefined ? otherwise : `did you mean ${shown(meant)}?`
}

function checkPlaces({ draft }: AnswerView): AnswerProblem[] {
  const problems: AnswerProblem[] = []
  const { country, timezone } = draft.global ?? {}
  if (country !== undefined && !COUNTRIES.has(country)) {
    const hint = didYouMean(suggestCountry(country), 'use a two-letter code of ISO 3166-1 in lower case')
    const message = `global.country: ${shown(country)} is not a country code`
    problems.push(errorAt(['global', 'country'], 'wrong-value', message, hint))
  }
  if (timezone !== undefined && !TIME_ZONES.has(timezone)) {
    const otherwise = 'use area/city from zone.tab ("Europe/Vienna") or "UTC"; aliases are not known to the installer'
    const message = `global.timezone: ${shown(timezone)} is not a time zone of the installer`
    const hint = didYouMean(suggestTimeZone(timezone), otherwise)
    problems.push(errorAt(['global', 'timezone'], 'wrong-value', message, hint))
  }
  return problems
}

const SUBSCRIPTION = /^(?:pve\d+[cbsp]|pbs[cbsp]|pmg[cbsp])-[0-9a-f]{10}$/

function checkSubscription({ draft, target }: AnswerView): AnswerProblem[] {
  const key = draft.global?.['subscription-key']
  if (key === undefined) return []
  const path = ['global', 'subscription-key']
  if (target.product === 'pdm') {
    return [warningAt(path, 'ineffective-key', 'global.subscription-key has no effect on pdm', 'remove it')]
  }
  if (SUBSCRIPTION.test(key) && key.startsWith(target.product)) return []
  const message = `global.subscription-key does not look like a key for ${target.product}`
  return [warningAt(path, 'doubtful-value', message, 'compare it with the order; it is activated on first boot only')]
}

export function checkGlobal(view: AnswerView): AnswerProblem[] {
  return [...checkFqdn(view), ...checkMail(view), ...checkPlaces(view), ...checkSubscription(view)]
}
