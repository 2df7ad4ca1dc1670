/** Whether a machine can boot an image at all: told before it is started, since what follows would be a panic that nobody sees. */
import { formatSize } from '../kit/amount.ts'
import type { MachineDescription } from './inquiry.ts'

/** What an image asks of a machine. */
export type Demand = {
  file: string
  /** Debian's word. */
  architecture: string
  memoryBytes: number
}

/** Why this machine cannot boot it, and what to do; undefined if it can, or does not say. */
export function unfitFor(demand: Demand, { architecture, memoryBytes }: MachineDescription): string | undefined {
  if (architecture !== undefined && architecture !== demand.architecture)
    return `this machine is ${architecture} and ${demand.file} is for ${demand.architecture}; give it a profile with an image for ${architecture}`
  if (memoryBytes !== undefined && memoryBytes < demand.memoryBytes)
    return `this machine has ${formatSize(memoryBytes)} of memory and ${demand.file} needs ${formatSize(demand.memoryBytes)} while it boots; give it more, or install it from a stick`
  return undefined
}
