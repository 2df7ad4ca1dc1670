/** `rackrise machine password`: the random root password of an installed machine, once. */
import { Passwords } from '../answer/passwords.ts'
import { localPasswords, type PasswordDesk } from '../console/passwords.ts'
import { remotePasswords } from '../console/remote-passwords.ts'
import { systemClock } from '../kit/clock.ts'
import { isProblem } from '../kit/is-problem.ts'
import type { Site } from '../site/types.ts'
import { complain, complainOf, type ExitStatus, say } from './command.ts'
import { openOffline, operatorName, runningSocket } from './state.ts'

async function openDesk(site: Site): Promise<PasswordDesk> {
  const socket = await runningSocket(site)
  if (socket) return remotePasswords(socket)
  const { store, key, registry } = await openOffline(site)
  const passwords = new Passwords({ store: store.passwords, key, clock: systemClock })
  return localPasswords(registry, passwords, () => store.close())
}

export async function showPassword(site: Site, query: string, json: boolean): Promise<ExitStatus> {
  const desk = await openDesk(site)
  try {
    const shown = await desk.show(query, operatorName())
    if (isProblem(shown)) {
      complainOf([shown], json)
      return 1
    }
    // Alone on its line, for those who pipe it into a safe.
    say(json ? JSON.stringify(shown, null, 2) : shown.password)
    if (!json)
      complain(`root password of ${shown.name}, attempt ${shown.attempt}; it is shown this once and kept no longer`)
    return 0
  } finally {
    await desk.close()
  }
}
