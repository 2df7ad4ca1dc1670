/** What a machine does now: its download, why it stands still, or its stage. */
import type { ReadonlySignal } from '@preact/signals'
import type { MachineView } from '../../schema/machine.ts'
import { progressInWords, stageInWords } from '../words/state-words.ts'
import { ProgressBar } from './progress-bar.tsx'

export function Doing({ machine: of }: { machine: ReadonlySignal<MachineView> }) {
  const machine = of.value
  const { reason, progress, conflicts } = machine
  if (progress && !reason) {
    const words = progressInWords(progress)
    return (
      <span class="doing">
        <ProgressBar percent={words.percent} label={`${words.file} sent to ${machine.name}`} />
        <span class="number percent">{words.percent} %</span>
        <span class="dim">
          <span class="doing-file">{words.file}</span> {words.rate}
          {words.left && `, ${words.left} left`}
        </span>
      </span>
    )
  }
  const why = reason ?? (conflicts ? `claims the same ${conflicts[0]?.by} as ${conflicts[0]?.name}` : undefined)
  if (why)
    return (
      <span class="doing reason" title={why}>
        {why}
      </span>
    )
  return <span class="doing dim">{stageInWords(machine)}</span>
}
