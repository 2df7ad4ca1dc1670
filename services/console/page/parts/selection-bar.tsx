/** What is selected, and what can be done to it. */
import { useComputed } from '@preact/signals'
import { clearSelection, selectedMachines } from '../store/orders.ts'
import { shown } from '../store/shown.ts'
import { OrderButtons } from './order-buttons.tsx'

export function SelectionBar() {
  const machines = selectedMachines.value
  const hidden = useComputed(() => {
    const visible = new Set(shown.value)
    return selectedMachines.value.filter(({ id }) => !visible.has(id)).length
  })
  if (machines.length === 0) return null
  return (
    <div class="selection" role="region" aria-label="Selection">
      <p>
        <b>{machines.length} selected</b>
        {hidden.value > 0 && `, ${hidden.value} of them not shown`}
      </p>
      <OrderButtons machines={machines} />
      <button type="button" class="plain" onClick={clearSelection}>
        Clear
      </button>
    </div>
  )
}
