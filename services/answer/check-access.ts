/** Who may log in: passwords, hashes and keys. No message repeats one of them. */
import { findKeyMistake, judgeHash } from './credentials.ts'
import { isAtLeast } from './dialect.ts'
import type { AnswerView } from './draft.ts'
import { type AnswerProblem, errorAt, warningAt } from './problems.ts'
import { hasControlCharacter } from './shapes.ts'

const PLAIN = 'global.root-password'
const HASHED = 'global.root-password-hashed'
const PLAIN_PATH = ['global', 'root-password']
const HASHED_PATH = ['global', 'root-password-hashed']

function checkChoice({ draft, isUnknown }: AnswerView): AnswerProblem[] {
  const { 'root-password': plain, 'root-password-hashed': hashed } = draft.global ?? {}
  const names = 'root-password and root-password-hashed'
  if (plain !== undefined && hashed !== undefined) {
    return [errorAt(HASHED_PATH, 'conflict', `global has both of ${names}`, 'keep one of the two')]
  }
  if (plain !== undefined || hashed !== undefined || !draft.global) return []
  if (isUnknown(PLAIN) || isUnknown(HASHED)) return []
  const hint = 'set one of the two; a hash is made with "mkpasswd -m yescrypt"'
  return [errorAt(['global'], 'missing-key', `global has neither of ${names}`, hint)]
}

/** Bytes: 5 before 8.4.0. */
const SHORTEST_PASSWORD = 8
const SHORTEST_FORMER_PASSWORD = 5

function checkPlain({ draft, target }: AnswerView): AnswerProblem[] {
  const password = draft.global?.['root-password']
  if (password === undefined) return []
  if (hasControlCharacter(password)) {
    return [errorAt(PLAIN_PATH, 'wrong-value', `${PLAIN} has a control character`, 'use another')]
  }
  const length = new TextEncoder().encode(password).length
  const shortest = isAtLeast(target.installer, [8, 4]) ? SHORTEST_PASSWORD : SHORTEST_FORMER_PASSWORD
  const hint = 'use a longer one, or a hash'
  if (length < shortest) {
    return [errorAt(PLAIN_PATH, 'wrong-value', `${PLAIN} is shorter than ${shortest} bytes`, hint)]
  }
  if (length >= SHORTEST_PASSWORD) return []
  const message = `${PLAIN} is shorter than ${SHORTEST_PASSWORD} bytes, and refused from 8.4 on`
  return [warningAt(PLAIN_PATH, 'doubtful-value', message, hint)]
}

function checkHashed({ draft }: AnswerView): AnswerProblem[] {
  const hash = draft.global?.['root-password-hashed']
  if (hash === undefined) return []
  const verdict = judgeHash(hash)
  if (typeof verdict === 'string') return []
  const hint = 'make one with "mkpasswd -m yescrypt", and write it in single quotes'
  return 'mistake' in verdict
    ? [errorAt(HASHED_PATH, 'wrong-value', `${HASHED} ${verdict.mistake}`, hint)]
    : [warningAt(HASHED_PATH, 'doubtful-value', `${HASHED} ${verdict.doubt}`, hint)]
}

function checkKey(key: string, index: number): AnswerProblem[] {
  const path = ['global', 'root-ssh-keys', index]
  const name = `global.root-ssh-keys.${index}`
  // The installer writes the list line by line: a line break would add a key that nobody listed.
  if (hasControlCharacter(key.replaceAll('\t', ' '))) {
    return [errorAt(path, 'wrong-value', `${name} has a control character`, 'write one key a line')]
  }
  if (key.trim() === '' || key.trimStart().startsWith('#')) {
    return [warningAt(path, 'ineffective-key', `${name} is a line without a key`, 'remove it')]
  }
  const mistake = findKeyMistake(key)
  const hint = 'copy the whole line of a .pub file; the installer does not check it'
  return mistake ? [errorAt(path, 'wrong-value', `${name} ${mistake}`, hint)] : []
}

function checkKeys({ draft }: AnswerView): AnswerProblem[] {
  const keys = draft.global?.['root-ssh-keys'] ?? []
  const twice = keys.flatMap((key, index) => {
    const first = keys.indexOf(key)
    const message = `global.root-ssh-keys.${index} is the same key as number ${first}`
    return first === index
      ? []
      : [warningAt(['global', 'root-ssh-keys', index], 'duplicate-value', message, 'keep one')]
  })
  return [...keys.flatMap(checkKey), ...twice]
}

/** A locked password is fine with a key, or with a script that lets somebody in. */
function checkSomebody({ draft, isUnknown }: AnswerView): AnswerProblem[] {
  const { 'root-password-hashed': hash, 'root-ssh-keys': keys = [] } = draft.global ?? {}
  if (hash === undefined || judgeHash(hash) !== 'locked' || keys.length > 0 || draft['first-boot']) return []
  if (isUnknown('global.root-ssh-keys') || isUnknown('first-boot')) return []
  const hint = 'put a public key into root-ssh-keys, or a hash into root-password-hashed ("mkpasswd -m yescrypt")'
  return [warningAt(HASHED_PATH, 'nobody-can-log-in', 'the root password is locked and there is no SSH key', hint)]
}

export function checkAccess(view: AnswerView): AnswerProblem[] {
  return [...checkChoice(view), ...checkPlain(view), ...checkHashed(view), ...checkKeys(view), ...checkSomebody(view)]
}
