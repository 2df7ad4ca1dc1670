/** What a person should look at, the worst first, and what to do about it. */
import type { AlarmView } from '../../schema/alarm.ts'
import type { CheckView, DoctorView } from '../../schema/health.ts'
import type { WebhookView } from '../../schema/webhook.ts'
import { Age } from '../parts/age.tsx'
import { AlarmList } from '../parts/alarm-list.tsx'
import { Busy } from '../parts/busy.tsx'
import { Icon } from '../parts/icon.tsx'
import { Loaded } from '../parts/loaded.tsx'
import { PageHead } from '../parts/page-head.tsx'
import { ProblemNotice } from '../parts/problem-notice.tsx'
import { Problems } from '../parts/problems.tsx'
import { useResource } from '../parts/resource.ts'
import { useRun } from '../parts/run.ts'
import { SeverityMark, toneOf } from '../parts/severity-mark.tsx'
import { type Column, Table } from '../parts/table.tsx'
import { Words } from '../parts/words.tsx'
import { toast } from '../parts/toasts.tsx'
import { WorkProgress } from '../parts/work-progress.tsx'
import { askAgain, works } from '../store/live.ts'
import { runningIn } from '../store/work.ts'
import { canOrder, get, post } from '../wire/api.ts'
import { counted, duration } from '../words/quantities.ts'
import { SiteFile } from './health/site-file.tsx'

function Nothing({ text }: { text: string }) {
  return (
    <p class="nothing">
      <Icon name="installed" /> {text}
    </p>
  )
}

function Took({ at, tookMs }: { at: string; tookMs: number }) {
  return (
    <p class="dim">
      Looked <Age at={at} suffix=" ago" />, in {tookMs < 1000 ? `${tookMs} ms` : duration(tookMs / 1000)}.
    </p>
  )
}

function Alarms() {
  const alarms = useResource<AlarmView[]>('/api/v1/alarms', 'alarms')
  return (
    <section aria-labelledby="alarms">
      <h2 id="alarms">Alarms</h2>
      <Loaded resource={alarms}>
        {value => {
          const lasting = value.filter(({ endedAt }) => endedAt === undefined)
          const over = value.filter(({ endedAt }) => endedAt !== undefined)
          return (
            <>
              {lasting.length === 0 ? <Nothing text="Nothing needs you." /> : <AlarmList alarms={lasting} />}
              {over.length > 0 && (
                <details>
                  <summary>{counted(over.length, 'alarm')} that ended</summary>
                  <AlarmList alarms={over} />
                </details>
              )}
            </>
          )
        }}
      </Loaded>
    </section>
  )
}

type Finding = DoctorView['findings'][number]

function FindingItem({ finding: { severity, subject, message, hint, code } }: { finding: Finding }) {
  return (
    <li class={toneOf(severity)}>
      <SeverityMark severity={severity} />
      <div>
        <p>
          {subject && <code>{subject}</code>} <Words text={message} />
        </p>
        {hint !== 'nothing' && (
          <p>
            What to do: <Words text={hint} />
          </p>
        )}
        <p class="dim">
          <code>{code}</code>
        </p>
      </div>
    </li>
  )
}

function Findings({ run: { findings, ...took } }: { run: DoctorView }) {
  const isFine = ({ severity }: Finding): boolean => severity === 'ok'
  const [fine, rest] = [findings.filter(isFine), findings.filter(finding => !isFine(finding))]
  return (
    <>
      <Took {...took} />
      {rest.length === 0 && <Nothing text="The wire and this machine are as they should be." />}
      <ul class="findings">
        {rest.map(finding => (
          <FindingItem key={`${finding.code} ${finding.subject}`} finding={finding} />
        ))}
      </ul>
      {fine.length > 0 && (
        <details>
          <summary>{counted(fine.length, 'thing')} as it should be</summary>
          <ul class="findings">
            {fine.map(finding => (
              <FindingItem key={`${finding.code} ${finding.subject}`} finding={finding} />
            ))}
          </ul>
        </details>
      )}
    </>
  )
}

/** What was asked for here, unless somebody else has looked since. */
function latestOf<Run extends { at: string }>(mine: Run | undefined, kept: Run | undefined): Run | undefined {
  return mine && kept && kept.at > mine.at ? kept : (mine ?? kept)
}

function Doctor() {
  const last = useResource<DoctorView | Record<string, never>>('/api/v1/doctor', 'doctor')
  const { state, start } = useRun(() => post<DoctorView>('/api/v1/doctor', undefined))
  const { value, problem, startedAt } = state.value
  // Also what somebody else has begun.
  const heard = runningIn(works.value, 'doctor')
  return (
    <section aria-labelledby="doctor">
      <div class="section-head">
        <h2 id="doctor">Doctor: the wire, and this machine</h2>
        {canOrder() && (
          <button type="button" disabled={startedAt !== undefined || heard !== undefined} onClick={start}>
            Run doctor
          </button>
        )}
      </div>
      {startedAt !== undefined && !heard && <Busy since={startedAt} text="Asking the wire as a machine would." />}
      {heard && <WorkProgress heard={heard} label="Doctor" />}
      {problem && <ProblemNotice problem={problem} />}
      <Loaded resource={last}>
        {kept => {
          const run = latestOf(value, 'findings' in kept ? (kept as DoctorView) : undefined)
          return run ? (
            <Findings run={run} />
          ) : (
            <p class="dim">
              Nobody has looked since the start. It looks for other DHCP servers, closed ports, slow switch ports, the
              certificate and the clock; it leases nothing and changes nothing.
            </p>
          )
        }}
      </Loaded>
    </section>
  )
}

function Check() {
  const last = useResource<CheckView>('/api/v1/check', 'isos', 'site')
  const { state, start } = useRun(() => get<CheckView>('/api/v1/check?fresh=true'))
  const { value, problem, startedAt } = state.value
  const show = ({ problems, ...took }: CheckView) => (
    <>
      <Took {...took} />
      {problems.length === 0 ? (
        <Nothing text="Site, answers, ISOs, certificates and loaders fit together." />
      ) : (
        <Problems problems={problems} />
      )}
    </>
  )
  return (
    <section aria-labelledby="check">
      <div class="section-head">
        <h2 id="check">Check: site, answers, ISOs, certificates</h2>
        <button type="button" disabled={startedAt !== undefined} onClick={start}>
          Check again
        </button>
      </div>
      {startedAt !== undefined && <Busy since={startedAt} text="Checking." />}
      {problem && <ProblemNotice problem={problem} />}
      <Loaded resource={last}>{kept => show(latestOf(value, kept) ?? kept)}</Loaded>
    </section>
  )
}

const WEBHOOKS: Column<WebhookView>[] = [
  { title: 'Target', cell: ({ url }) => <code>{url}</code> },
  { title: 'Told of', cell: ({ events }) => events.join(', ') },
  {
    title: 'State',
    cell: ({ pending, givenUp, error, tries }) =>
      pending === 0 && givenUp === 0 ? (
        <SeverityMark severity="ok">all told</SeverityMark>
      ) : (
        <>
          <SeverityMark severity={givenUp > 0 ? 'error' : 'warning'}>{givenUp > 0 ? 'given up' : 'waits'}</SeverityMark>{' '}
          {error && `${error}, after ${counted(tries, 'try', 'tries')}`}
        </>
      ),
  },
  { title: 'Waiting', isNumber: true, cell: ({ pending }) => pending },
  { title: 'Given up', isNumber: true, cell: ({ givenUp }) => givenUp },
  { title: 'Oldest', cell: ({ oldestAt }) => oldestAt && <Age at={oldestAt} suffix=" ago" /> },
]

function Webhooks() {
  const webhooks = useResource<WebhookView[]>('/api/v1/webhooks', 'webhooks')
  const retry = async (number: number): Promise<void> => {
    const answer = await post(`/api/v1/webhooks/${number}/retry`, undefined)
    if (answer.ok) toast(`Webhook ${number} is being tried again`)
    else toast(answer.problem.message, { isBad: true })
    askAgain('webhooks')
  }
  const order: Column<WebhookView> = {
    title: 'Order',
    cell: ({ number, pending, givenUp }) =>
      pending + givenUp > 0 && (
        <button
          type="button"
          class="small"
          aria-label={`Try now: webhook ${number}`}
          onClick={() => void retry(number)}
        >
          Try now
        </button>
      ),
  }
  return (
    <section aria-labelledby="webhooks">
      <h2 id="webhooks">Webhooks</h2>
      <Loaded resource={webhooks}>
        {value =>
          value.length === 0 ? (
            <p class="dim">
              Nobody is told about installations. A <code>[[webhook]]</code> of the site file names who should be.
            </p>
          ) : (
            <Table
              caption="Webhooks"
              columns={canOrder() ? [...WEBHOOKS, order] : WEBHOOKS}
              rows={value}
              keyOf={({ number }) => String(number)}
            />
          )
        }
      </Loaded>
    </section>
  )
}

export function HealthView() {
  return (
    <section class="view health">
      <PageHead title="Health" />
      <Alarms />
      <SiteFile />
      <Check />
      <Doctor />
      <Webhooks />
    </section>
  )
}
