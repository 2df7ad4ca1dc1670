/** The library of a running appliance, through its control socket. */
import { isProblem } from '../kit/is-problem.ts'
import { EnvironmentProblem } from '../kit/problem.ts'
import type { Isos } from './isos.ts'
import { askJson, type ControlSocket } from './remote-fleet.ts'
import type { LibraryView } from './schema/iso.ts'

export function remoteIsos(socket: ControlSocket): Isos {
  return {
    async list({ fresh } = { fresh: false }) {
      const view = await askJson<LibraryView>(socket, 'GET', `/api/v1/isos${fresh ? '?fresh=true' : ''}`)
      if (!isProblem(view)) return view
      throw new EnvironmentProblem(view.code, view.message, view.hint)
    },
  }
}
