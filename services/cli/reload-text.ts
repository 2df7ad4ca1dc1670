/** What a reload changed, or would change, as a person reads it. Pure. */
import type { ReloadView } from '../console/schema/reload.ts'
import { counted } from '../kit/amount.ts'
import { hang, INDENT } from './wrap.ts'

/** Lines of machines that one change of a profile may take; `--json` has all. */
const MACHINES_MOST = 20

type Change = ReloadView['changes'][number]
type Machine = ReloadView['machines'][number]

function valuesOf(keys: Change['keys']): string {
  return keys.map(({ key, before = 'none', after = 'none' }) => `${key} ${before} -> ${after}`).join('; ')
}

function changeLine({ what, name, change, keys }: Change): string {
  if (what === 'setting') return `  ${valuesOf(keys)}`
  const mark = { added: '+', removed: '-', changed: '~' }[change]
  return `${mark} ${what} ${name}${keys.length > 0 ? `: ${valuesOf(keys)}` : ''}`
}

function machineLine({ name, change, keys }: Machine): string {
  const mark = { added: '+', removed: '-', changed: '~' }[change]
  return `${mark} ${name}: ${valuesOf(keys)}`
}

/** Loud: what a person reads last before the question. */
function startLines(machines: readonly Machine[], reloaded: boolean): string[] {
  const starts = machines.filter(machine => machine.starts)
  if (starts.length === 0) return []
  const whom = starts.length === 1 ? '1 MACHINE' : `${starts.length} MACHINES`
  return [
    `INSTALLS ${whom} at the next boot, which erases ${starts.length === 1 ? 'its' : 'their'} disks:`,
    ...starts.map(
      ({ name, serial, macs }) => `! ${[name, serial ? `serial ${serial}` : 'no serial', ...macs].join('  ')}`,
    ),
    ...(reloaded ? ['To stop it: rackrise machine block NAME'] : []),
  ]
}

/** @param width of the terminal, in characters */
export function reloadText({ reloaded, changes, machines, sha256 }: ReloadView, width = Infinity): string {
  const changed = machines.filter(({ keys }) => keys.length > 0)
  const rest = changed.length - MACHINES_MOST
  const counts = `${counted(changes.length, 'change')} of the site, ${counted(changed.length, 'machine')} with it`
  return [
    `${reloaded ? 'loaded' : 'would be loaded'}: ${counts} (SHA-256 ${sha256.slice(0, 12)})`,
    ...changes.map(changeLine),
    ...changed.slice(0, MACHINES_MOST).map(machineLine),
    ...(rest > 0 ? [`  and ${rest} machines more: --json has all`] : []),
    ...startLines(machines, reloaded),
  ]
    .map(line => hang('', line, width, INDENT))
    .join('\n')
}
