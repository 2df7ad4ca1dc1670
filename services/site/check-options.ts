/** Extra DHCP options, wherever they stand: no code that the appliance decides itself, none twice in one list. */
import type { Ipv4 } from '../kit/ipv4.ts'
import { insteadOf } from './extra-option.ts'
import { doubtful, wrong, type Finding, type Path } from './finding.ts'
import type { ExtraOption } from './types.ts'

const NTP = 42
const CLASSLESS_ROUTES = 121

export function checkOptions(options: readonly ExtraOption[], at: Path, hasNtp = false): Finding[] {
  const seen = new Map<number, number>()
  return options.flatMap(({ code }, index) => {
    const path = [...at, index, 'code']
    const instead = insteadOf(code) ?? (code === NTP && hasNtp ? 'use "ntp"' : undefined)
    if (instead) return [wrong('owned-option', path, `option ${code} cannot be set here`, instead)]
    const first = seen.get(code)
    if (first === undefined) {
      seen.set(code, index)
      return []
    }
    const other = [...at, first]
    return [{ ...wrong('duplicate', path, `option ${code} is set a second time`, 'keep one of the two'), other }]
  })
}

/** Who asks for classless routes is not told the router beside them, and installers ask (RFC 3442). */
export function checkRoutes(options: readonly ExtraOption[], router: Ipv4 | undefined, path: Path): Finding[] {
  const routes = options.findLast(({ code }) => code === CLASSLESS_ROUTES)
  if (!router || routes?.type !== 'routes' || routes.value.some(({ to }) => to.length === 0)) return []
  const message = `machines that ask for option ${CLASSLESS_ROUTES} do not hear of the router ${router}`
  return [doubtful(path, message, `add { to = "0.0.0.0/0", via = "${router}" } to the routes`)]
}
