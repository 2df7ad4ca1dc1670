/** Addresses: who has which, for how long, and how many are left. */
import { type Signal, useSignal, useSignalEffect } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import type { LeaseView } from '../../schema/lease.ts'
import { Age, Remaining } from '../parts/age.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { EmptyState } from '../parts/empty-state.tsx'
import { Icon, type IconName } from '../parts/icon.tsx'
import { Asking } from '../parts/loaded.tsx'
import { Meter } from '../parts/meter.tsx'
import { PageHead } from '../parts/page-head.tsx'
import { ProblemNotice } from '../parts/problem-notice.tsx'
import { useResource } from '../parts/resource.ts'
import { useRun } from '../parts/run.ts'
import { type Column, Table } from '../parts/table.tsx'
import { toast } from '../parts/toasts.tsx'
import { machinePath } from '../paths.ts'
import { appliance, askAgain, idsByMac, machines } from '../store/live.ts'
import { canOrder, post } from '../wire/api.ts'
import {
  canRelease,
  countLeases,
  LEASE_MEANINGS,
  LEASE_STATES,
  type LeaseCounts,
  type LeaseState,
  leasesPath,
  type Pool,
  poolsOf,
} from '../words/lease-words.ts'

const LEASE_ICONS: Record<LeaseState, IconName> = {
  bound: 'live',
  reserved: 'installed',
  quarantine: 'blocked',
  expired: 'held',
  released: 'back',
}

function Release({ lease, onClose }: { lease: LeaseView; onClose: () => void }) {
  const { address, name, mac, state } = lease
  const isReserved = state === 'reserved'
  const { state: run, start } = useRun(async () => {
    const answer = await post<LeaseView>(
      `/api/v1/leases/${address}/release${isReserved ? '?force=true' : ''}`,
      undefined,
    )
    if (!answer.ok) return answer
    toast(`Released: ${address}`)
    askAgain('leases')
    onClose()
    return answer
  })
  const { problem, startedAt } = run.value
  return (
    <Dialog title={`Release ${address}?`} onClose={onClose}>
      <div class="form">
        <p class={isReserved ? 'consequence is-bad' : 'consequence'}>
          {isReserved
            ? 'An installed system has this address written down and goes on using it. Once released it may be given to another machine, and then two have it.'
            : 'Another machine may get this address at once. The one that has it is not told, and uses it until it asks again.'}
        </p>
        <p>
          It is of <strong>{name ?? 'a machine without a name'}</strong> <span class="mono">{mac}</span>, {state}.
        </p>
        {problem && <ProblemNotice problem={problem} />}
        <div class="buttons">
          <button type="button" autofocus onClick={onClose}>
            Cancel
          </button>
          <button
            type="button"
            class={isReserved ? 'danger' : 'primary'}
            disabled={startedAt !== undefined}
            onClick={start}
          >
            {isReserved ? 'Release although it is reserved' : 'Release'}
          </button>
        </div>
      </div>
    </Dialog>
  )
}

function Machine({ mac, name }: LeaseView) {
  const id = idsByMac.value.get(mac)
  const known = id === undefined ? undefined : machines.value.get(id)
  if (!known) return <>{name ?? <span class="dim">not known</span>}</>
  return <a href={machinePath(known.value.id)}>{known.value.name}</a>
}

function Ends({ state, expiresAt }: LeaseView) {
  if (state === 'bound' || state === 'quarantine')
    return (
      <>
        in <Remaining key={expiresAt} until={expiresAt} />
      </>
    )
  if (state === 'reserved') return <>never</>
  return <Age at={expiresAt} suffix=" ago" />
}

function columnsFor(asked: Signal<LeaseView | undefined>): Column<LeaseView>[] {
  const columns: Column<LeaseView>[] = [
    { title: 'Address', cell: ({ address }) => <code>{address}</code> },
    {
      title: 'State',
      cell: ({ state }) => (
        <span class={`state lease-${state}`} title={LEASE_MEANINGS[state]}>
          <Icon name={LEASE_ICONS[state]} /> {state}
        </span>
      ),
    },
    { title: 'Machine', cell: lease => <Machine {...lease} /> },
    { title: 'MAC', cell: ({ mac }) => <span class="mono">{mac}</span> },
    { title: 'Given', cell: ({ boundAt }) => <Age at={boundAt} suffix=" ago" /> },
    { title: 'Ends', cell: lease => <Ends {...lease} /> },
  ]
  if (!canOrder()) return columns
  const release: Column<LeaseView> = {
    title: 'Order',
    cell: lease =>
      canRelease(lease) && (
        <button
          type="button"
          class="small"
          aria-label={`Release… ${lease.address}`}
          onClick={() => (asked.value = lease)}
        >
          Release…
        </button>
      ),
  }
  return [...columns, release]
}

function Pools({ pools }: { pools: readonly Pool[] }) {
  if (pools.length === 0) return null
  return (
    <dl class="pools" aria-label="Pools">
      {pools.map(({ subnet, taken, size }) => (
        <div key={subnet}>
          <dt class="mono">{subnet}</dt>
          <dd>
            <Meter part={taken / size} label={`Pool of ${subnet}`} />
            <span class="number">
              {size - taken} of {size} free
            </span>
          </dd>
        </div>
      ))}
    </dl>
  )
}

type FilterProps = {
  /** Undefined where nobody has counted: there are more than one page shows. */
  counts: LeaseCounts | undefined
  text: Signal<string>
  state: Signal<LeaseState | undefined>
}

function Filter({ counts, text, state }: FilterProps) {
  return (
    <div class="toolbar" role="search" aria-label="Leases">
      <div class="chips" role="group" aria-label="Show by state">
        <button
          type="button"
          class="chip"
          aria-pressed={state.value === undefined}
          onClick={() => (state.value = undefined)}
        >
          All {counts && <b>{counts.all}</b>}
        </button>
        {LEASE_STATES.map(word => {
          const isOn = state.value === word
          return counts?.[word] === 0 && !isOn ? null : (
            <button
              key={word}
              type="button"
              class="chip"
              aria-pressed={isOn}
              title={LEASE_MEANINGS[word]}
              onClick={() => (state.value = isOn ? undefined : word)}
            >
              <Icon name={LEASE_ICONS[word]} /> {word} {counts && <b>{counts[word]}</b>}
            </button>
          )
        })}
      </div>
      <div class="toolbar-line">
        <label class="search">
          <Icon name="search" />
          <span class="hidden">Filter by address, MAC, name</span>
          <input
            type="search"
            placeholder="Address, MAC, name…"
            value={text.value}
            onInput={event => (text.value = event.currentTarget.value)}
            spellcheck={false}
            autocapitalize="none"
          />
        </label>
      </div>
    </div>
  )
}

type TableProps = { leases: readonly LeaseView[]; asked: Signal<LeaseView | undefined>; onShowAll: () => void }

function LeaseTable({ leases, asked, onShowAll }: TableProps) {
  return (
    <>
      <p class="hidden" role="status">
        {leases.length} shown
      </p>
      {leases.length === 0 ? (
        <EmptyState title="No lease fits">
          <p>
            <button type="button" onClick={onShowAll}>
              Show all
            </button>
          </p>
        </EmptyState>
      ) : (
        <Table caption="Leases" columns={columnsFor(asked)} rows={leases} keyOf={({ address }) => address} />
      )}
    </>
  )
}

/** Where reading goes on. */
function toTop(): void {
  scrollTo(0, 0)
  document.querySelector<HTMLElement>('h1')?.focus({ preventScroll: true })
}

type PagerProps = { leases: readonly LeaseView[]; pages: Pages }

function Pager({ leases, pages: { number, next, go, back } }: PagerProps) {
  if (number === 1 && next === undefined) return null
  const [first, last] = [leases[0], leases.at(-1)]
  return (
    <nav class="pager" aria-label="Pages of leases">
      <button type="button" disabled={number === 1} onClick={() => (back(), toTop())}>
        <Icon name="back" /> Page before
      </button>
      <span>
        Page {number}
        {first && last && (
          <span class="dim">
            : <span class="mono">{first.address}</span> to <span class="mono">{last.address}</span>
          </span>
        )}
      </span>
      <button type="button" disabled={next === undefined} onClick={() => next && (go(next), toTop())}>
        Next page
      </button>
    </nav>
  )
}

function NoLeases() {
  const about = appliance.value
  return (
    <EmptyState title="No leases yet">
      {about && about.mode !== 'server' ? (
        <p>This appliance gives no addresses: its DHCP mode is {about.mode}. Whoever does has the leases.</p>
      ) : (
        <p>
          The first machine that asks for an address on <code>{about?.interface}</code> gets one. Nothing comes?{' '}
          <a href="/health">Run doctor</a>.
        </p>
      )}
    </EmptyState>
  )
}

/** Somebody who types is asked for when he rests. */
const TYPING_MS = 200

function useRested(text: Signal<string>): string {
  const rested = useSignal(text.peek())
  useSignalEffect(() => {
    const { value } = text
    const timer = setTimeout(() => (rested.value = value), TYPING_MS)
    return () => clearTimeout(timer)
  })
  return rested.value
}

type Pages = { number: number; next: string | undefined; go: (next: string) => void; back: () => void }

/** The list that a path begins, page by page. What is shown stays until what comes is there. */
function useLeasePages(first: string) {
  const later = useSignal<{ first: string; paths: readonly string[] }>({ first, paths: [] })
  const paths = later.value.first === first ? later.value.paths : []
  // Another filter, or none again, begins with the first page.
  useEffect(() => void (later.value = { first, paths: [] }), [first])
  const resource = useResource<LeaseView[]>(paths.at(-1) ?? first, 'leases')
  const latest = useRef<LeaseView[] | undefined>(undefined)
  const { value, next, problem } = resource.value
  latest.current = value ?? latest.current
  const go = (path: string): void => void (later.value = { first, paths: [...paths, path] })
  const back = (): void => void (later.value = { first, paths: paths.slice(0, -1) })
  const pages: Pages = { number: paths.length + 1, next, go, back }
  return { leases: latest.current, isLatest: value !== undefined, problem, pages }
}

export function LeasesView() {
  const text = useSignal('')
  const state = useSignal<LeaseState | undefined>(undefined)
  const all = leasesPath('', undefined)
  const first = leasesPath(useRested(text), state.value)
  const { leases, isLatest, problem, pages } = useLeasePages(first)
  const metrics = useResource<Parameters<typeof poolsOf>[0]>('/api/v1/metrics', 'leases')
  const asked = useSignal<LeaseView | undefined>(undefined)
  const counts = useRef<LeaseCounts | undefined>(undefined)
  const isAll = first === all && pages.number === 1
  if (isAll && isLatest && leases) counts.current = pages.next === undefined ? countLeases(leases) : undefined
  const showAll = (): void => void ((text.value = ''), (state.value = undefined))
  return (
    <section class="view">
      <PageHead title="Leases" />
      <Pools pools={poolsOf(metrics.value.value ?? [])} />
      {problem && <ProblemNotice problem={problem} />}
      {!leases && !problem && <Asking />}
      {leases &&
        (isAll && isLatest && leases.length === 0 ? (
          <NoLeases />
        ) : (
          <>
            <Filter counts={counts.current} text={text} state={state} />
            <LeaseTable leases={leases} asked={asked} onShowAll={showAll} />
            <Pager leases={leases} pages={pages} />
          </>
        ))}
      {asked.value && <Release lease={asked.value} onClose={() => (asked.value = undefined)} />}
    </section>
  )
}
