/** What is wrong, where, and what to do: the form of every error that a person reads. */

export type Place = { file: string; line?: number; column?: number }

export type Problem = {
  /** Stable word for it: the same in code, log, API and manual. */
  code: string
  message: string
  /** What to do about it, as an instruction. */
  hint: string
  severity: 'error' | 'warning'
  place?: Place
}

function formatPlace(place: Place): string {
  return [place.file, place.line, place.column].filter(part => part !== undefined).join(':')
}

/** One line: `config/site.toml:3:1: error: unknown key "domian" (did you mean "domain"?)`. */
export function formatProblem(problem: Problem): string {
  const where = problem.place ? `${formatPlace(problem.place)}: ` : ''
  return `${where}${problem.severity}: ${problem.message}; ${problem.hint}`
}

/**
 * The environment is not as it must be (a port is taken, a file is missing, an interface does not exist).
 * Thrown at the edge and printed by the command line as one line; never for a decision.
 */
export class EnvironmentProblem extends Error {
  readonly problem: Problem

  constructor(code: string, message: string, hint: string, place?: Place) {
    super(`${message}; ${hint}`)
    this.name = 'EnvironmentProblem'
    this.problem = { code, message, hint, severity: 'error', ...(place ? { place } : {}) }
  }
}
