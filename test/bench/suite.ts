/** What a suite of measurements is, what it brings back, and how a program under measurement is called: a contender. */
import type { Need } from '../../services/lab/packages.ts'

export type Choices = {
  /** Fewer and shorter runs: says which way the wind blows, not how strong it is. */
  quick: boolean
  /** Only contenders whose names begin with one of these; empty: all. */
  only: readonly string[]
  /** One line of progress; nobody parses it. */
  tell(line: string): void
}

/** One number measured for several contenders, in alternated runs. */
export type Measure = {
  title: string
  unit: string
  better: 'more' | 'less'
  /** Ours first. */
  rows: { contender: string; values: number[] }[]
  /** What we want ours to be, as a multiple of that contender. */
  goals?: readonly { contender: string; ratio: number }[]
  /** Shown below the table. */
  note?: string
}

/** Something that must hold whatever the speed is: a bench that gets it wrong has measured nothing. */
export type Check = { what: string; holds: boolean; detail: string }

export type Report = { measures: Measure[]; checks: Check[] }

export type Suite = {
  name: string
  summary: string
  /** Files that must be there, and the Debian packages that bring them. */
  needs: readonly Need[]
  run(choices: Choices): Promise<Report>
}

/** What every suite needs for its network. */
export const NETWORK_NEEDS: readonly Need[] = [{ file: '/usr/sbin/ip', package: 'iproute2' }]

export function isChosen(name: string, { only }: Choices): boolean {
  return only.length === 0 || only.some(beginning => name.startsWith(beginning))
}
