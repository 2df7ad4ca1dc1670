/** Numbers beside the links of the header: what waits for a person. */
import type { AlarmView } from '../../schema/alarm.ts'
import { counts } from '../store/live.ts'
import { useResource } from './resource.ts'

function Badge({ count, what, isBad }: { count: number; what: string; isBad?: boolean }) {
  if (count === 0) return null
  return (
    <span class={isBad ? 'badge is-bad' : 'badge'} title={`${count} ${what}`}>
      {count}
      <span class="hidden"> {what}</span>
    </span>
  )
}

export function HeldCount() {
  return <Badge count={counts.value.held} what="held" />
}

export function AlarmCount() {
  const { value = [] } = useResource<AlarmView[]>('/api/v1/alarms', 'alarms').value
  const lasting = value.filter(({ endedAt }) => endedAt === undefined)
  return <Badge count={lasting.length} what={lasting.length === 1 ? 'alarm' : 'alarms'} isBad />
}
