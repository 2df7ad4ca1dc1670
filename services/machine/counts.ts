/** What is counted of machines and their attempts: states, ends, and how long each stage took. Labels are words of closed tables. */
import type { Instant } from '../kit/clock.ts'
import type { Meter } from '../kit/meter.ts'
import type { AttemptId, MachineEvent, MachineId } from './event.ts'
import type { Machine, MachineState } from './lifecycle.ts'
import type { Listener } from './registry.ts'

const STATES: Record<MachineState, true> = {
  held: true,
  approved: true,
  booting: true,
  installing: true,
  installed: true,
  failed: true,
  stalled: true,
  blocked: true,
}

export const MACHINE_STATES = Object.keys(STATES) as MachineState[]

/** What became of attempts. A stalled one may still end well, and then it is counted as that, too. */
const OUTCOMES: { [T in MachineEvent['type']]?: string } = {
  'attempt-started': 'started',
  reported: 'installed',
  'installation-inferred': 'inferred',
  'answer-failed': 'answer-failed',
  'gave-up': 'gave-up',
  stalled: 'stalled',
}

export const ATTEMPT_OUTCOMES = Object.values(OUTCOMES)

/** From its event before to its event: `total` is from the first boot script to the report. */
export const STAGES = ['kernel', 'initrd', 'answer', 'report', 'total'] as const
type Stage = (typeof STAGES)[number]

const MS_PER_SECOND = 1000
/** From a loader's blink to an installation onto slow disks behind a slow link. */
const STAGE_SECONDS = [0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600]

type Times = { attempt: AttemptId; script: Instant; last: Instant; initrdFrom?: Instant }

/** Times of one machine after an event, and what that event ended. */
export function timed(
  before: Times | undefined,
  event: MachineEvent,
): { times: Times | undefined; took: [stage: Stage, ms: number][] } {
  const { type, at } = event
  if (type === 'script-served') {
    const isSame = before?.attempt === event.attempt
    return { times: { attempt: event.attempt, script: isSame ? before.script : at, last: at }, took: [] }
  }
  if (!before || !('attempt' in event) || event.attempt !== before.attempt) return { times: before, took: [] }
  const { script, last, initrdFrom = last } = before
  const next = { ...before, last: at }
  switch (type) {
    case 'kernel-sent':
      return { times: next, took: [['kernel', at - last]] }
    case 'initrd-started':
      return { times: { ...before, initrdFrom: at }, took: [] }
    case 'initrd-sent':
      return { times: next, took: [['initrd', at - initrdFrom]] }
    case 'answer-served':
      return { times: next, took: [['answer', at - last]] }
    case 'reported':
      return {
        times: undefined,
        took: [
          ['report', at - last],
          ['total', at - script],
        ],
      }
    case 'answer-failed':
    case 'gave-up':
    case 'installation-inferred':
      return { times: undefined, took: [] }
    default:
      return { times: before, took: [] }
  }
}

/** The part of the registry that is listened to. */
type Told = { machines(): Pick<Machine, 'state'>[]; subscribe(listener: Listener): unknown }

export function countMachines(meter: Meter, registry: Told): void {
  const attempts = meter.counter('rackrise_attempts_total', 'Attempts that began, and what became of them', ['outcome'])
  const stages = meter.duration(
    'rackrise_attempt_stage_seconds',
    'How long machines took: kernel, initrd with ISO, until the answer, until the report, all of it',
    ['stage'],
    STAGE_SECONDS,
  )
  const times = new Map<MachineId, Times>()
  registry.subscribe(({ id }, event) => {
    if (event.anomaly !== undefined) return
    const outcome = OUTCOMES[event.type]
    if (outcome !== undefined) attempts({ outcome })
    const { times: next, took } = timed(times.get(id), event)
    if (next) times.set(id, next)
    else times.delete(id)
    for (const [stage, ms] of took) stages({ stage }, Math.max(0, ms) / MS_PER_SECOND)
  })
  meter.gauge('rackrise_machines', 'Machines that are known, by state', ['state'], () => {
    const alike = Map.groupBy(registry.machines(), ({ state }) => state)
    return MACHINE_STATES.map(state => [{ state }, alike.get(state)?.length ?? 0] as const)
  })
}
