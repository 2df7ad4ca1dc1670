/** The library of a running appliance, through its control socket. */
import { isProblem } from '../kit/is-problem.ts'
import { EnvironmentProblem } from '../kit/problem.ts'
import type { Isos, LibraryView } from './isos.ts'
import { askJson } from './remote-fleet.ts'

export function remoteIsos(socketPath: string): Isos {
  return {
    async list({ fresh } = { fresh: false }) {
      const view = await askJson<LibraryView>(socketPath, 'GET', `/api/v1/isos${fresh ? '?fresh=true' : ''}`)
      if (!isProblem(view)) return view
      throw new EnvironmentProblem(view.code, view.message, view.hint)
    },
  }
}
