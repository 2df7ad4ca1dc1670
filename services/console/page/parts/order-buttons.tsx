/** What can be done to these machines now, as buttons that each open the one question. */
import type { MachineView } from '../../schema/machine.ts'
import { beginOrder } from '../store/orders.ts'
import { canOrder } from '../wire/api.ts'
import { ACTION_WORDS, ACTIONS, fits } from '../words/order-words.ts'

export function OrderButtons({ machines }: { machines: readonly MachineView[] }) {
  if (!canOrder()) return null
  return (
    <div class="buttons">
      {ACTIONS.map(action => {
        const fitting = machines.filter(machine => fits(action, machine))
        if (fitting.length === 0) return null
        const { button } = ACTION_WORDS[action]
        // An order is for all that are selected, or it says for how many of them it is.
        const count = fitting.length < machines.length ? ` ${fitting.length} of ${machines.length}` : ''
        return (
          <button
            key={action}
            type="button"
            class={action === 'approve' ? 'primary' : ''}
            onClick={() => beginOrder(action, fitting)}
          >
            {button}
            {count}…
          </button>
        )
      })}
    </div>
  )
}
