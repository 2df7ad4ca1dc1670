/** The one question before anything is done to machines: which ones, what will come of it, and why. */
import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { canOrder } from '../wire/api.ts'
import { appliance } from '../store/live.ts'
import { type Ask, ask, confirmOrder, type Doubt, endOrder } from '../store/orders.ts'
import type { MachineView } from '../../schema/machine.ts'
import { ACTION_WORDS, questionFor } from '../words/order-words.ts'
import { counted } from '../words/quantities.ts'
import { textOf } from './form-text.ts'
import { Dialog } from './dialog.tsx'
import { Icon } from './icon.tsx'
import { ProblemNotice } from './problem-notice.tsx'
import { StateMark } from './state-mark.tsx'
import { toast } from './toasts.tsx'

function Named({ machine }: { machine: MachineView }) {
  return (
    <li>
      <strong>{machine.name}</strong> <StateMark state={machine.state} />
      <span class="identity">
        <span>serial {machine.serial ?? 'not known'}</span> <span class="mono">{machine.macs.join(', ')}</span>
        {machine.product && <span>{machine.product}</span>}
        <span>{machine.profile ? `profile ${machine.profile}` : 'no profile'}</span>
      </span>
    </li>
  )
}

function DoubtNote({ doubt, name }: { doubt: Doubt; name: string }) {
  const { rehearsal, problem } = doubt
  if (!rehearsal)
    return (
      <li>
        <strong>{name}</strong>: {problem.message}
      </li>
    )
  return (
    <li>
      <strong>{name}</strong>
      <dl class="pairs">
        <dt>Erases</dt>
        <dd>{rehearsal.erases.length > 0 ? rehearsal.erases.join(', ') : 'no disk'}</dd>
        <dt>Leaves</dt>
        <dd>{rehearsal.leaves.length > 0 ? rehearsal.leaves.join(', ') : 'no disk'}</dd>
        <dt>In doubt</dt>
        <dd>{rehearsal.doubts.map(({ message }) => message).join('; ')}</dd>
      </dl>
    </li>
  )
}

function Doubts({ asked, isTicked, onTick }: { asked: Ask; isTicked: boolean; onTick: (is: boolean) => void }) {
  const tick = useRef<HTMLInputElement>(null)
  // The button that had the focus may be disabled now, and the question may be below the edge of a small screen.
  useEffect(() => tick.current?.focus(), [])
  const nameOf = (id: string): string => asked.machines.find(machine => machine.id === id)?.name ?? id
  return (
    <div class="notice is-warn" role="alert">
      <Icon name="attention" />
      <div>
        <p>
          <strong>{counted(asked.doubts.length, 'machine')} would not simply repeat the last installation.</strong> On
          the hardware that was reported last, the answer now does this:
        </p>
        <ul class="doubts">
          {asked.doubts.map(doubt => (
            <DoubtNote key={doubt.machine} doubt={doubt} name={nameOf(doubt.machine)} />
          ))}
        </ul>
        <label class="tick">
          <input
            ref={tick}
            type="checkbox"
            checked={isTicked}
            onChange={event => onTick(event.currentTarget.checked)}
          />
          <span>I have compared these disks with the machine, and they may be erased.</span>
        </label>
      </div>
    </div>
  )
}

function Refusals({ asked }: { asked: Ask }) {
  return (
    <div class="notice is-bad" role="alert">
      <Icon name="attention" />
      <div>
        <p>
          <strong>
            {counted(asked.done, 'machine')} done, {asked.refused.length} refused:
          </strong>
        </p>
        <ul>
          {asked.refused.map(({ machine, problem }) => (
            <li key={machine.id}>
              {machine.name}: {problem.message}. {problem.hint}
            </li>
          ))}
        </ul>
      </div>
    </div>
  )
}

/** Where a machine has none of its own, one has to be chosen; else only who wants another one sees that there are several. */
function ProfileChoice({ machines, isSettled }: Pick<Ask, 'machines'> & { isSettled: boolean }) {
  const chosen = useSignal('')
  const profiles = appliance.value?.profiles ?? []
  const isNeeded = machines.some(({ profile }) => profile === undefined)
  if (profiles.length < 2 && !isNeeded) return null
  return (
    <label>
      Profile
      {/* What was rehearsed is what will be sent; a field that is disabled sends nothing. */}
      {isSettled && <input type="hidden" name="profile" value={chosen.value} />}
      <select
        name="profile"
        required={isNeeded}
        disabled={isSettled}
        value={chosen.value}
        onChange={event => (chosen.value = event.currentTarget.value)}
      >
        <option value="">{isNeeded ? 'Choose: the site says none' : 'As the site says for each machine'}</option>
        {profiles.map(({ name, iso }) => (
          <option key={name} value={name}>
            {name} ({iso})
          </option>
        ))}
      </select>
    </label>
  )
}

async function submit(form: HTMLFormElement, isConfirmed: boolean): Promise<void> {
  const data = new FormData(form)
  const [reason, profile] = [textOf(data, 'reason').trim(), textOf(data, 'profile')]
  const { done } = await confirmOrder({
    ...(reason ? { reason } : {}),
    ...(profile ? { profile } : {}),
    ...(isConfirmed ? { confirmDisks: true as const } : {}),
  })
  if (done) toast(done)
}

/** More than anybody reads; thousands of names would take seconds to be drawn. */
const NAMED_MOST = 500

function OrderForm({ asked }: { asked: Ask }) {
  const isTicked = useSignal(false)
  const { action, machines, isBusy, doubts, refused } = asked
  const words = ACTION_WORDS[action]
  const isOver = refused.length > 0 && doubts.length === 0
  return (
    <form
      class="form"
      onSubmit={event => {
        event.preventDefault()
        void submit(event.currentTarget, doubts.length > 0 && isTicked.value)
      }}
    >
      <p class={words.erases ? 'consequence is-bad' : 'consequence'}>{words.consequence}</p>
      <ul class="named" aria-label="Machines" tabIndex={0}>
        {machines.slice(0, NAMED_MOST).map(machine => (
          <Named key={machine.id} machine={machine} />
        ))}
        {machines.length > NAMED_MOST && <li>and {machines.length - NAMED_MOST} more of those that are selected</li>}
      </ul>
      {words.erases && <ProfileChoice machines={machines} isSettled={doubts.length > 0} />}
      {action !== 'forget' && (
        <label>
          <span>
            Reason <span class="dim">(optional, goes to the timeline)</span>
          </span>
          <input name="reason" maxLength={500} autocomplete="off" />
        </label>
      )}
      {asked.problem && <ProblemNotice problem={asked.problem} />}
      {refused.length > 0 && <Refusals asked={asked} />}
      {doubts.length > 0 && <Doubts asked={asked} isTicked={isTicked.value} onTick={is => (isTicked.value = is)} />}
      <div class="buttons">
        <button type="button" autofocus onClick={endOrder}>
          {isOver ? 'Close' : 'Cancel'}
        </button>
        {!isOver && (
          <button
            type="submit"
            class={words.erases ? 'danger' : 'primary'}
            disabled={isBusy || (doubts.length > 0 && !isTicked.value)}
          >
            {isBusy ? 'Sending' : doubts.length > 0 ? `Erase, and ${action}` : words.button}
            {machines.length > 1 && doubts.length === 0 ? ` ${machines.length}` : ''}
          </button>
        )}
      </div>
    </form>
  )
}

export function OrderDialog() {
  const asked = ask.value
  if (!asked || !canOrder()) return null
  return (
    <Dialog title={questionFor(asked.action, asked.machines)} onClose={endOrder}>
      <OrderForm asked={asked} />
    </Dialog>
  )
}
