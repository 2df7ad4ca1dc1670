/** The control socket in the state folder, which only its owner can open: all of the API for the command line. */
import { unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { EnvironmentProblem } from '../kit/problem.ts'
import { buildConsoleApp, closeConsoleApp, type ConsoleAppOptions } from './app.ts'
import { addControl, type ControlContext } from './control.ts'
import { addLinkApi } from './link-api.ts'
import { socketPrincipal } from './principal.ts'
import { CONTROL_SOCKET } from './remote-fleet.ts'
import type { Console } from './server.ts'

/** @param folder 0700: that is the login. Resolves with how to close it. */
export async function serveControlSocket(
  folder: string,
  context: ControlContext & Pick<ConsoleAppOptions, 'log' | 'version'>,
  console: Pick<Console, 'makeLink'>,
): Promise<() => Promise<void>> {
  const path = join(folder, CONTROL_SOCKET)
  await unlink(path).catch(() => {})
  const { log, version } = context
  const app = await buildConsoleApp({ log, version, identify: socketPrincipal })
  addControl(app, context)
  addLinkApi(app, console)
  await app.listen({ path }).catch((error: unknown) => {
    throw new EnvironmentProblem(
      'control',
      `can't listen on ${path}: ${String(error)}`,
      'set paths.state to a shorter path (at most 90 characters) that this user may write',
    )
  })
  return () => closeConsoleApp(app)
}
