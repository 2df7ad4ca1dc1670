/** Alarms, the worst first: what it is, what to do, since when and how often. */
import type { AlarmView } from '../../schema/alarm.ts'
import { counted } from '../words/quantities.ts'
import { Age } from './age.tsx'
import { SeverityMark, toneOf } from './severity-mark.tsx'
import { Words } from './words.tsx'

const worstFirst = (a: AlarmView, b: AlarmView): number =>
  Number(b.severity === 'alarm') - Number(a.severity === 'alarm') || (a.lastSeenAt < b.lastSeenAt ? 1 : -1)

function Alarm({
  alarm: { severity, message, action, details, firstSeenAt, lastSeenAt, endedAt, count, code },
}: {
  alarm: AlarmView
}) {
  const facts = Object.entries(details)
  return (
    <li class={toneOf(severity)}>
      <SeverityMark severity={severity} />
      <div>
        <p>
          <strong>{message}</strong>
        </p>
        <p>
          What to do: <Words text={action} />
        </p>
        <p class="dim">
          <code>{code}</code>, {endedAt ? 'began' : 'since'} <Age at={firstSeenAt} suffix={endedAt ? ' ago' : ''} />,{' '}
          {counted(count, 'time')}, {endedAt ? 'ended' : 'last'} <Age at={endedAt ?? lastSeenAt} suffix=" ago" />
        </p>
        {facts.length > 0 && (
          <dl class="pairs">
            {facts.map(([name, value]) => (
              <div key={name}>
                <dt>{name}</dt>
                <dd>{value}</dd>
              </div>
            ))}
          </dl>
        )}
      </div>
    </li>
  )
}

export function AlarmList({ alarms }: { alarms: readonly AlarmView[] }) {
  return (
    <ul class="findings">
      {alarms.toSorted(worstFirst).map(alarm => (
        <Alarm key={`${alarm.code} ${alarm.subject}`} alarm={alarm} />
      ))}
    </ul>
  )
}
