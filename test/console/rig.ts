/** An application as it stands behind the control socket, for tests that add the routes they are about. */
import { addProbes } from '../../services/console/appliance-api.ts'
import { buildConsoleApp, type ConsoleApp } from '../../services/console/app.ts'
import { socketPrincipal } from '../../services/console/principal.ts'
import type { Log } from '../../services/kit/log.ts'
import { FakeClock } from '../fake/clock.ts'

export async function socketApp(log: Log): Promise<ConsoleApp> {
  const app = await buildConsoleApp({ log, version: '1.2.3', identify: socketPrincipal })
  addProbes(app, { prove: async () => {}, clock: new FakeClock(), log })
  return app
}
