/** Where a QEMU machine stands, told from what the appliance knows of it. */
import type { Stage } from '../stage.ts'
import type { MachineView } from '../../console/schema/machine.ts'

function loadingStage({ progress, stage }: MachineView): Stage {
  if (stage === 'installer') return { at: 'answer' }
  if (progress?.file === 'initrd') return { at: 'iso', received: progress.sent, total: progress.total }
  return progress?.file === 'kernel' ? { at: 'kernel' } : { at: 'script' }
}

export function stageOfView(view: MachineView): Stage {
  switch (view.state) {
    case 'booting':
      return loadingStage(view)
    case 'installing':
      return { at: 'installing' }
    case 'installed':
      return { at: 'reboot' }
    case 'failed':
    case 'stalled':
    case 'blocked':
      return { at: 'failed', why: view.reason ?? view.state }
    case 'held':
    case 'approved':
      break
  }
  if (view.progress?.file === 'loader') return { at: 'loader' }
  return view.stage === undefined ? { at: 'power-on' } : { at: 'dhcp' }
}
