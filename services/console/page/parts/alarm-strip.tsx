/** What a person should look at now, above everything else. */
import type { AlarmView } from '../../schema/alarm.ts'
import { counted } from '../words/quantities.ts'
import { Age } from './age.tsx'
import { Icon } from './icon.tsx'
import { useResource } from './resource.ts'
import { Words } from './words.tsx'

function AlarmNote({ alarm }: { alarm: AlarmView }) {
  return (
    <li>
      <strong>{alarm.message}</strong>{' '}
      <span class="dim">
        <Age at={alarm.lastSeenAt} suffix=" ago" />
      </span>
      <br />
      What to do: <Words text={alarm.action} />
    </li>
  )
}

export function AlarmStrip() {
  const { value } = useResource<AlarmView[]>('/api/v1/alarms', 'alarms').value
  const now = (value ?? []).filter(({ endedAt }) => endedAt === undefined)
  const [first, ...rest] = now
  if (!first) return null
  const isBad = now.some(({ severity }) => severity === 'alarm')
  return (
    <section class={`notice alarms ${isBad ? 'is-bad' : 'is-warn'}`} aria-label="Alarms">
      <Icon name="attention" />
      <div>
        <ul>
          <AlarmNote alarm={first} />
        </ul>
        {rest.length > 0 && (
          <details>
            <summary>{counted(rest.length, 'more alarm', 'more alarms')}</summary>
            <ul>
              {rest.map(alarm => (
                <AlarmNote key={`${alarm.code} ${alarm.subject}`} alarm={alarm} />
              ))}
            </ul>
          </details>
        )}
      </div>
    </section>
  )
}
