/** Questions at a terminal: what is wrong with an answer is told in one line, and the question asked again. */
import { createInterface } from 'node:readline/promises'
import { EnvironmentProblem } from '../kit/problem.ts'
import { complain } from './command.ts'

export type Question = {
  text: string
  /** Enter takes it. */
  suggestion?: string | undefined
  /** What a flag says already: it is asked for only if that is wrong. */
  said?: string | undefined
  /** One line; undefined for an answer that is right. */
  wrong: (answer: string) => string | undefined
}

/** Throws an `EnvironmentProblem` at the end of the input, at Ctrl-C, and when somebody, or something, keeps answering wrongly. */
export type Ask = (question: Question) => Promise<string>

const MOST_ANSWERS = 5

function unanswered(command: string, what: string): EnvironmentProblem {
  return new EnvironmentProblem(command, `${what}, and nothing was written`, 'run it again, or say all with flags')
}

export function openQuestions(command: string): { ask: Ask; close: () => void } {
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  // Lines that are typed, or pasted, before their question wait here. Ctrl-C closes the terminal as the end of the input does.
  const lines = terminal[Symbol.asyncIterator]()
  const read = async (prompt: string): Promise<string> => {
    terminal.setPrompt(prompt)
    terminal.prompt()
    const line = await lines.next()
    if (!line.done) return line.value.trim()
    process.stderr.write('\n')
    throw unanswered(command, 'the input ended before all was said')
  }
  const ask: Ask = async ({ text, suggestion, said, wrong }) => {
    const prompt = `${text}${suggestion ? ` [${suggestion}]` : ''}: `
    let answer = said
    for (let asked = 0; ; asked++) {
      answer ??= (await read(prompt)) || (suggestion ?? '')
      const problem = wrong(answer)
      if (problem === undefined) return answer
      complain(problem)
      if (asked === MOST_ANSWERS - 1) throw unanswered(command, `${MOST_ANSWERS} answers were wrong`)
      answer = undefined
    }
  }
  return { ask, close: () => terminal.close() }
}
