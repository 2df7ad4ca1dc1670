/** What the next installation would do to the disks that a machine reported last. */
import { lastReport } from '../answer/documents.ts'
import { readHardware } from '../answer/hardware.ts'
import type { AnswerTable } from '../answer/keys.ts'
import { describeDisk, rehearse } from '../answer/rehearse.ts'
import { answerSchema } from '../answer/schema.ts'
import { isProblem } from '../kit/is-problem.ts'
import type { Problem } from '../kit/problem.ts'
import type { MachineId } from '../machine/event.ts'
import type { Machine } from '../machine/lifecycle.ts'
import type { DocumentStore } from '../store/types.ts'
import type { Explainer } from './explain.ts'
import type { RehearsalView } from './schema/explanation.ts'

/** Undefined for a machine that never reported, and for an answer that is not to be sent anyway. */
export async function rehearsalFor(
  machine: MachineId,
  composed: AnswerTable,
  documents: Pick<DocumentStore, 'get'>,
): Promise<RehearsalView | undefined> {
  const report = await lastReport(documents, machine)
  const answer = answerSchema.safeParse(composed).data
  if (!report || !answer) return undefined
  const hardware = readHardware(report.body)
  // An installer that could not look leaves an empty list (9.2.5 and later).
  if (hardware.disks.length === 0) return undefined
  const { erases, leaves, nic, doubts } = rehearse(answer, hardware, hardware.used)
  return {
    at: new Date(report.at).toISOString(),
    erases: erases.map(describeDisk),
    leaves: leaves.map(describeDisk),
    ...(nic ? { nic: nic.name } : {}),
    doubts,
  }
}

/** Of the installation that an order would start; undefined where there is nothing to rehearse on. */
export type Rehearse = (machine: Machine, profile: string | undefined) => Promise<RehearsalView | undefined>

export function rehearseBy({ explain }: Pick<Explainer, 'explain'>): Rehearse {
  return async (machine, profile) => {
    const explanation = await explain(machine.id, undefined, profile)
    return isProblem(explanation) ? undefined : explanation.rehearsal
  }
}

/** Another installation that would be no plain repetition waits for a person. */
export function disksInDoubt(title: string, { erases, doubts }: RehearsalView): Problem {
  return {
    code: 'disks-in-doubt',
    message: `${title} would erase ${erases.join(', ') || 'no disk'}: ${doubts.map(({ message }) => message).join('; ')}`,
    hint: 'see `rackrise explain` and `rackrise machine devices`, correct the answer, or repeat the order with --confirm-disks',
    severity: 'error',
  }
}
