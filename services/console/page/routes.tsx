/** One view for each of the page's own paths. A view is one file in views/; a new one is a path in paths.ts and a line here. */
import type { ComponentType } from 'preact'
import { AlarmCount, HeldCount } from './parts/nav-counts.tsx'
import type { PagePath, Params } from './paths.ts'
import { machines } from './store/live.ts'
import { HealthView } from './views/health.tsx'
import { IsosView } from './views/isos.tsx'
import { LeasesView } from './views/leases.tsx'
import { MachineAnswerView, MachineAttemptsView, MachineHardwareView, MachineView } from './views/machine.tsx'
import { RackView } from './views/rack.tsx'
import { RulesView } from './views/rules.tsx'

export type ViewProps = { params: Params }

export type Route = {
  view: ComponentType<ViewProps>
  /** What the browser's tab says. */
  title: (params: Params) => string
  /** Its name among the links of the header, if it has one. */
  link?: string
  /** What is counted beside that. */
  count?: ComponentType
}

const nameOf = ({ id = '' }: Params): string => machines.value.get(id)?.value.name ?? id

export const ROUTES: Record<PagePath, Route> = {
  '/': { view: RackView, title: () => 'Rack', link: 'Rack', count: HeldCount },
  '/machines/:id': { view: MachineView, title: nameOf },
  '/machines/:id/answer': { view: MachineAnswerView, title: params => `Answer of ${nameOf(params)}` },
  '/machines/:id/attempts': { view: MachineAttemptsView, title: params => `Attempts of ${nameOf(params)}` },
  '/machines/:id/hardware': { view: MachineHardwareView, title: params => `Hardware of ${nameOf(params)}` },
  '/isos': { view: IsosView, title: () => 'ISOs', link: 'ISOs' },
  '/leases': { view: LeasesView, title: () => 'Leases', link: 'Leases' },
  '/rules': { view: RulesView, title: () => 'Rules and layers', link: 'Rules' },
  '/health': { view: HealthView, title: () => 'Health', link: 'Health', count: AlarmCount },
}
