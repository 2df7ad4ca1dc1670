/** Orders as the page words them, and which of them fit a machine. */
import type { MachineView } from '../../schema/machine.ts'
import { counted } from './quantities.ts'

export const ACTIONS = ['approve', 'reinstall', 'block', 'forget'] as const
export type Action = (typeof ACTIONS)[number]

type ActionWords = {
  /** On a button; the dialog behind it asks. */
  button: string
  question: (what: string) => string
  /** What will come of it. */
  consequence: string
  erases: boolean
  done: string
}

export const ACTION_WORDS: Record<Action, ActionWords> = {
  approve: {
    button: 'Approve',
    question: what => `Approve ${what} for installation?`,
    consequence:
      'At its next network boot the installer starts by itself and ERASES THE DISKS that its answer chooses. There is no way back.',
    erases: true,
    done: 'Approved',
  },
  reinstall: {
    button: 'Reinstall',
    question: what => `Reinstall ${what}?`,
    consequence:
      'What is installed now is lost: at its next network boot the installer starts by itself and ERASES THE DISKS that its answer chooses. There is no way back.',
    erases: true,
    done: 'Approved for another installation',
  },
  block: {
    button: 'Block',
    question: what => `Block ${what}?`,
    consequence:
      'It is given nothing at all, not even an address, until somebody approves it. Its disks stay as they are.',
    erases: false,
    done: 'Blocked',
  },
  forget: {
    button: 'Forget',
    question: what => `Forget ${what}?`,
    consequence:
      'Its timeline and what it reported are deleted. If it boots again, it is a new machine that nobody approved. Its disks stay as they are.',
    erases: false,
    done: 'Forgotten',
  },
}

/** What the lifecycle would refuse is not offered: an installed machine is reinstalled, not approved. */
export function fits(action: Action, { state }: Pick<MachineView, 'state'>): boolean {
  switch (action) {
    case 'approve':
      return state === 'held' || state === 'failed' || state === 'stalled' || state === 'blocked'
    case 'reinstall':
      return state === 'installed' || state === 'installing'
    case 'block':
      return state !== 'blocked'
    case 'forget':
      // An attempt would end in silence, and a blocked machine would be held again when it is seen.
      return state === 'held' || state === 'installed' || state === 'failed' || state === 'stalled'
  }
}

export function questionFor(action: Action, machines: readonly Pick<MachineView, 'name'>[]): string {
  const [only] = machines
  return ACTION_WORDS[action].question(machines.length === 1 && only ? only.name : counted(machines.length, 'machine'))
}
