/** What the installer demands of `[global]`. No message repeats a password, a hash or a key. */
import type { Problem } from '../kit/problem.ts'
import { type AnswerTarget, isAtLeast } from './dialect.ts'
import { COUNTRIES, TIME_ZONES } from './locale.ts'
import { answerError, answerWarning } from './problems.ts'
import type { Answer } from './schema.ts'
import { findNameMistake, hasControlCharacter, isDomainName } from './shapes.ts'

type Global = Answer['global']

function wrong(message: string, hint: string): Problem[] {
  return [answerError('wrong-value', message, hint)]
}

function checkFqdn({ fqdn }: Global, target: AnswerTarget): Problem[] {
  if (typeof fqdn === 'string') {
    const mistake = findNameMistake(fqdn)
    return mistake ? wrong(`global.fqdn ${mistake}`, 'write a full name such as "node1.example.org"') : []
  }
  if (!isAtLeast(target.installer, [8, 4])) {
    return wrong('global.fqdn from DHCP is newer than this ISO (8.4.3)', 'write the full name as a string')
  }
  const domain = fqdn.domain
  if (domain === '') {
    // An empty domain means none since 9.0.5 only; before, the name silently becomes "<product>.example.invalid".
    return isAtLeast(target.installer, [9, 0]) ? [] : wrong('global.fqdn has an empty domain', 'remove the domain')
  }
  if (domain !== undefined && !isDomainName(domain)) return wrong('global.fqdn has a malformed domain', 'correct it')
  return []
}

/** The grammar of HTML's `input type=email`: no dot needed in the domain. */
const MAIL =
  /^[a-z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/i

function checkMail({ mailto }: Global): Problem[] {
  if (mailto === 'mail@example.invalid') return wrong('global.mailto is the installer’s placeholder', 'use a real one')
  return MAIL.test(mailto) ? [] : wrong('global.mailto is not a mail address', 'write one such as "ops@example.org"')
}

function checkPlaces({ country, timezone }: Global): Problem[] {
  const problems: Problem[] = []
  if (!COUNTRIES.has(country)) {
    const hint = COUNTRIES.has(country.toLowerCase()) ? 'write it in lower case' : 'use a two-letter code of ISO 3166-1'
    problems.push(...wrong('global.country is not a country code', hint))
  }
  if (!TIME_ZONES.has(timezone)) {
    const hint = 'use area/city from zone.tab ("Europe/Vienna") or "UTC"; aliases are not known to the installer'
    problems.push(...wrong('global.timezone is not a time zone of the installer', hint))
  }
  return problems
}

/** Bytes; 5 before 8.4.0, but a password that short helps nobody and fails on the next ISO. */
const SHORTEST_PASSWORD = 8

/** `$id$...` as crypt(5) writes it, or a locked account (`!`, `*`). */
const CRYPT = /^(?:\$[0-9a-z]+\$[!-9;-~]+|[!*][!-9;-~]*)$/

function checkPassword(global: Global): Problem[] {
  const plain = global['root-password']
  const hashed = global['root-password-hashed']
  if ((plain === undefined) === (hashed === undefined)) {
    const found = plain === undefined ? 'neither' : 'both'
    const hint = 'set exactly one; "rackrise" composes layers so that the later one wins'
    return wrong(`global has ${found} of root-password and root-password-hashed`, hint)
  }
  if (hashed !== undefined) {
    if (CRYPT.test(hashed)) return []
    return wrong('global.root-password-hashed is not a crypt hash', 'make one with "mkpasswd -m yescrypt"')
  }
  if (hasControlCharacter(plain ?? '')) return wrong('global.root-password has a control character', 'use another')
  if (new TextEncoder().encode(plain).length >= SHORTEST_PASSWORD) return []
  return wrong(`global.root-password is shorter than ${SHORTEST_PASSWORD} bytes`, 'use a longer one, or a hash')
}

const SSH_KEY = /^(?:\S.*\s)?(?:ssh-|ecdsa-|sk-)[a-z0-9@.-]+\s+[A-Za-z0-9+/]{16,}={0,2}(?:\s|$)/

function checkSshKeys(global: Global): Problem[] {
  return (global['root-ssh-keys'] ?? []).flatMap((key, index) => {
    const where = `global.root-ssh-keys.${index}`
    // The installer writes the list line by line: a line break would add a key that nobody listed.
    if (hasControlCharacter(key)) return wrong(`${where} has a control character`, 'write one key a line')
    if (SSH_KEY.test(key)) return []
    const hint = 'copy the whole line of a .pub file; the installer does not check it'
    return [answerWarning('wrong-value', `${where} does not look like a public key`, hint)]
  })
}

const SUBSCRIPTION = /^(?:pve\d+[cbsp]|pbs[cbsp]|pmg[cbsp])-[0-9a-f]{10}$/

function checkSubscription(global: Global, target: AnswerTarget): Problem[] {
  const key = global['subscription-key']
  if (key === undefined) return []
  if (target.product === 'pdm') {
    return [answerWarning('ineffective-key', 'global.subscription-key has no effect on pdm', 'remove it')]
  }
  if (SUBSCRIPTION.test(key) && key.startsWith(target.product)) return []
  const message = `global.subscription-key does not look like a key for ${target.product}`
  return [answerWarning('wrong-value', message, 'compare it with the order; it is activated on first boot only')]
}

export function checkGlobal(global: Global, target: AnswerTarget): Problem[] {
  return [
    ...checkFqdn(global, target),
    ...checkMail(global),
    ...checkPlaces(global),
    ...checkPassword(global),
    ...checkSshKeys(global),
    ...checkSubscription(global, target),
  ]
}
