/** Answer files as somebody may write them: decoded, judged for an old and a new installer, as answers and as layers, and rendered. */
import { readAnswerText } from '../../../services/answer/answer-text.ts'
import { type AnswerTarget, dialectOfVersion } from '../../../services/answer/dialect.ts'
import { type AnswerProblem, hasError } from '../../../services/answer/problems.ts'
import { renderAnswer } from '../../../services/answer/render.ts'
import { decodeText, type FileKind, validateText } from '../../../services/answer/validate-text.ts'
import { CORPUS as SAMPLES } from '../../answer/corpus.ts'
import { hold, type Target } from '../target.ts'

const FILE = 'answer.toml'
const JUDGES: readonly [AnswerTarget, FileKind][] = [
  [{ product: 'pve', installer: [9, 2, 2] }, 'answer'],
  [{ product: 'pbs', installer: [8, 2, 4] }, 'layer'],
]

function holdsFor(problem: AnswerProblem, lines: readonly string[]): void {
  const { line = 0, column = 0 } = problem.place ?? {}
  const text = lines[line - 1]
  hold('every problem stands in the file', text !== undefined && column >= 1 && column <= text.length + 1)
  hold('a message has nothing that a terminal acts upon', !/\p{Cc}/u.test(problem.message + problem.hint))
  hold('a message fits a screen', problem.message.length + problem.hint.length < 4000)
}

/** A file that an installer accepts is still accepted when it was read and written anew. */
function holdsAgain(source: string, target: AnswerTarget): void {
  const { toml } = renderAnswer(readAnswerText(source).table!, dialectOfVersion(target.installer))
  hold('what is valid is valid when it is rendered', !hasError(validateText(toml, FILE, target, 'answer').problems))
}

function judge(source: string): string {
  const lines = source.split('\n')
  return JUDGES.map(([target, kind]) => {
    const { problems } = validateText(source, FILE, target, kind)
    for (const problem of problems) holdsFor(problem, lines)
    if (kind === 'answer' && !hasError(problems)) holdsAgain(source, target)
    return [...new Set(problems.map(({ code }) => code))].sort().join(' ')
  }).join(' | ')
}

export const answerTarget: Target = {
  name: 'answer',
  seeds: () => SAMPLES.map(({ text }) => new TextEncoder().encode(text.replaceAll(/^#.*\n/gm, ''))),
  words: [
    '{{machine.name}}',
    '\\x41',
    '"""',
    "'''",
    ' = ',
    '[[',
    '{',
    '\n[',
    '-',
    '_',
    '***',
    '[!',
    '\u00fc',
    '1979-05-27',
    '0x',
    'inf',
    '__proto__',
    'filter.',
    'all',
  ].map(word => new TextEncoder().encode(word)),
  maxBytes: 2048,
  // A person's file and no packet: judged for two installers, written anew and judged again, in one input.
  mostMs: 50,
  run(bytes) {
    const text = decodeText(bytes, FILE)
    if (typeof text === 'string') return judge(text)
    hold('what is no UTF-8 has a place', (text.place?.line ?? 0) > 0 && (text.place?.column ?? 0) > 0)
    return text.code
  },
}
