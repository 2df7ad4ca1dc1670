/** Showing a random root password: once, to somebody whose name is kept on the timeline. */
import type { Passwords } from '../answer/passwords.ts'
import { isProblem } from '../kit/is-problem.ts'
import type { Problem } from '../kit/problem.ts'
import type { Registry } from '../machine/registry.ts'
import { pickMachine } from './pick-machine.ts'
import { nameOfOperator } from './principal.ts'
import type { ShownPassword } from './schema/document.ts'

export interface PasswordDesk {
  /** @param by who wants to see it, as the timeline is to tell */
  show(query: string, by: string): Promise<ShownPassword | Problem>
  close(): Promise<void>
}

function refused(code: string, message: string): Problem {
  const hint = 'a lost password needs a reset on the machine, or another installation'
  return { code, message, hint, severity: 'error' }
}

export function localPasswords(
  registry: Registry,
  passwords: Pick<Passwords, 'take'>,
  close: () => Promise<void>,
): PasswordDesk {
  return {
    async show(query, by) {
      const machine = pickMachine(registry, query)
      if (isProblem(machine)) return machine
      const name = registry.titleOf(machine)
      const { password: installed } = machine
      if (!installed) return refused('no-password', `no random root password was installed on ${name}`)
      if (installed.shownTo !== undefined) {
        const at = installed.shownAt === undefined ? '' : ` at ${new Date(installed.shownAt).toISOString()}`
        return refused('password-shown', `the random root password of ${name} was shown to ${installed.shownTo}${at}`)
      }
      const taken = await passwords.take(machine.id)
      if (isProblem(taken)) return { ...taken, message: `${name}: ${taken.message}` }
      const { attempt, password } = taken
      // Told before it is shown; what cannot be told is not shown, and lost: it was meant for one pair of eyes.
      await registry.record(machine.id, { type: 'password-shown', attempt, by: nameOfOperator(by) }, 'operator')
      return { name, attempt, password }
    },
    close,
  }
}
