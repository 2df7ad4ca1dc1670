/** What `/api/v1/events` tells, as the page understands it. */
import type { MachineView, TimelineEntry } from '../../schema/machine.ts'
import type { SiteNewsView } from '../../schema/reload.ts'
import type { WorkView } from '../../schema/work.ts'
import type { SentEvent } from './event-stream.ts'

/** What is to be fetched again; `doctor` is said by the end of its work, `site` by another site file. */
export type Topic = 'alarms' | 'isos' | 'leases' | 'webhooks' | 'machines' | 'doctor' | 'site'

export type Progressed = { id: string; progress?: NonNullable<MachineView['progress']>; heardAt: string }

export type Message =
  | { kind: 'hello'; seq: number; version: string; site: SiteNewsView }
  | { kind: 'machine'; machine: MachineView; event: TimelineEntry }
  | { kind: 'progress'; progressed: Progressed }
  | { kind: 'work'; work: WorkView }
  | { kind: 'changed'; what: Topic }
  | { kind: 'site'; news: SiteNewsView }
  | { kind: 'reset' }

/** Undefined for what a newer appliance may tell, and for what is no JSON. */
export function readMessage({ name, data }: SentEvent): Message | undefined {
  if (name === 'reset') return { kind: 'reset' }
  let value: unknown
  try {
    value = JSON.parse(data)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  switch (name) {
    case 'hello':
      return { kind: 'hello', ...(value as { seq: number; version: string; site: SiteNewsView }) }
    case 'machine':
      return { kind: 'machine', ...(value as { machine: MachineView; event: TimelineEntry }) }
    case 'progress':
      return { kind: 'progress', progressed: value as Progressed }
    case 'work':
      return { kind: 'work', work: value as WorkView }
    case 'site':
      return { kind: 'site', news: value as SiteNewsView }
    case 'changed':
      return { kind: 'changed', what: (value as { what: Topic }).what }
    default:
      return undefined
  }
}
