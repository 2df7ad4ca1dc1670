/**
 * Everything that the installer would refuse, found before the machine asks: it asks once, and a refused answer leaves
 * it in a shell.
 */
import type { Problem } from '../kit/problem.ts'
import { checkFirstBoot, checkWebhook } from './check-delivery.ts'
import { checkDisks } from './check-disks.ts'
import { checkGlobal } from './check-global.ts'
import { checkNetwork } from './check-network.ts'
import type { AnswerTarget } from './dialect.ts'
import { isTable, leaveOutNewer, spellWithHyphens, warnLeftOut } from './keys.ts'
import { answerWarning } from './problems.ts'
import { type Answer, readAnswer } from './schema.ts'

/** A locked password is fine with a key, or with a script that lets somebody in. */
function checkAccess({ global, ...answer }: Answer): Problem[] {
  const isLocked = /^[!*]/.test(global['root-password-hashed'] ?? '')
  if (!isLocked || (global['root-ssh-keys'] ?? []).length > 0 || answer['first-boot']) return []
  const hint = 'put a public key into root-ssh-keys, or a hash into root-password-hashed ("mkpasswd -m yescrypt")'
  return [answerWarning('nobody-can-log-in', 'the root password is locked and there is no SSH key', hint)]
}

function checkRules(answer: Answer, target: AnswerTarget): Problem[] {
  return [
    ...checkGlobal(answer.global, target),
    ...checkAccess(answer),
    ...checkNetwork(answer.network, target),
    ...checkDisks(answer['disk-setup'], target),
    ...checkWebhook(answer['post-installation-webhook']),
    ...checkFirstBoot(answer['first-boot']),
  ]
}

/**
 * All problems of a whole answer (parsed TOML or JSON, either spelling) for that installer. Errors would stop the
 * installation; warnings are accepted by the installer but hardly meant. Keys newer than the installer are left out with
 * a warning, and the rest is judged without them. An empty list means that the answer is fine.
 */
export function validateAnswer(answer: unknown, target: AnswerTarget): Problem[] {
  const whole = readAnswer(answer)
  if (Array.isArray(whole) || !isTable(answer)) return Array.isArray(whole) ? whole : []
  const kept = leaveOutNewer(spellWithHyphens(answer).table, target.installer)
  const read = readAnswer(kept.table)
  const problems = Array.isArray(read) ? read : checkRules(read, target)
  return [...warnLeftOut(kept.leftOut, target.installer), ...problems]
}
