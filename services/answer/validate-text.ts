/** The validator for files: a whole answer that goes to an installer as it is, or a layer of one. */
import { findNewerToml } from './toml-version.ts'
import { type AnswerText, type FoundProblem, placeProblems, readAnswerText } from './answer-text.ts'
import { checkSpelling, checkVersion } from './check-version.ts'
import { type AnswerTarget, dialectOfVersion, formatVersion } from './dialect.ts'
import { viewOf } from './draft.ts'
import { leaveOutNewer, nameOf, refuseNewer, spellWithHyphens, warnLeftOut } from './keys.ts'
import { fillSamples, hasPlaceholder } from './sample-values.ts'
import { type AnswerProblem, answerError, errorAt } from './problems.ts'
import { checkForm, checkRules, misspelt } from './validate.ts'

/** A file with placeholders can only be a layer; one without may be either, and is taken for an answer. */
export type FileKind = 'answer' | 'layer'

export type Judgement = { kind: FileKind; problems: AnswerProblem[] }

/** Whole numbers, which the installer refuses with a fraction, also with `.0`. */
const WHOLE_NUMBERS = new Set(['disk-setup.zfs.ashift', 'disk-setup.zfs.arc-max', 'disk-setup.zfs.copies'])

function checkFractions({ fractions }: AnswerText): AnswerProblem[] {
  const names = [...fractions].map(name => name.replaceAll('_', '-')).filter(name => WHOLE_NUMBERS.has(name))
  return names.map(name =>
    errorAt(name.split('.'), 'wrong-type', `${name} must be a whole number`, 'leave the fraction out'),
  )
}

function checkToml(source: string): FoundProblem[] {
  return findNewerToml(source).map(({ at, what, hint }) => {
    return {
      ...answerError('newer-toml', `TOML 1.0 does not allow ${what}, and the installer reads no other`, hint),
      at,
    }
  })
}

function checkReadsJson({ installer }: AnswerTarget): AnswerProblem[] {
  if (dialectOfVersion(installer).acceptsJson) return []
  const hint = 'write it as TOML, or name a release from 9.2 on with --release'
  return [
    answerError('syntax', `this is JSON, and proxmox-installer ${formatVersion(installer)} reads TOML only`, hint),
  ]
}

/** A whole section that is missing is more often a layer than a mistake. */
function orLayer(problem: AnswerProblem): AnswerProblem {
  if (problem.code !== 'missing-key' || problem.path?.length !== 1 || !problem.message.endsWith(' is missing'))
    return problem
  return { ...problem, hint: `${problem.hint}; or say --layer if this is a part of an answer` }
}

/** Of a value that is none at all (a date) nothing else is said. */
function beside(known: readonly FoundProblem[], further: readonly AnswerProblem[]): AnswerProblem[] {
  const told = new Set(known.flatMap(({ path }) => (path ? [nameOf(path)] : [])))
  return further.filter(({ path = [] }) => !told.has(nameOf(path)))
}

function judgeAnswer(source: string, text: AnswerText, target: AnswerTarget): FoundProblem[] {
  const { table, problems, written } = spellWithHyphens(text.table ?? {})
  const form = [...problems, ...beside(text.problems, checkForm(table))].map(orLayer)
  const { leftOut } = leaveOutNewer(table, target.installer)
  const view = viewOf(table, target, { standIns: misspelt(form) })
  const spelled = written.filter(({ path }) => !leftOut.some(name => nameOf(path).startsWith(name)))
  return [
    ...text.problems,
    ...(text.form === 'json' ? checkReadsJson(target) : checkToml(source)),
    ...form,
    ...checkFractions(text),
    ...refuseNewer(leftOut, target.installer),
    ...checkSpelling(spelled, view),
    ...checkVersion(view),
    ...beside(text.problems, checkRules(view)),
  ]
}

function judgeLayer(text: AnswerText, target: AnswerTarget): FoundProblem[] {
  const spelled = spellWithHyphens(text.table ?? {})
  const filled = fillSamples(spelled.table)
  const form = [...spelled.problems, ...checkForm(filled.table).filter(({ code }) => code !== 'missing-key')]
  const kept = leaveOutNewer(filled.table, target.installer)
  const standIns = new Set([...filled.names, ...misspelt(form)])
  const rules = checkRules(viewOf(kept.table, target, { standIns, isPart: true }))
  const about = beside(text.problems, [...form, ...rules]).filter(({ path = [] }) => !filled.unfilled.has(nameOf(path)))
  return [...text.problems, ...filled.problems, ...about, ...warnLeftOut(kept.leftOut, target.installer)]
}

/**
 * All problems of a file, each with line and column, in the order of the file. `kind` says what it is; without it a file
 * that has placeholders is a layer, and any other an answer. A layer is judged with sample values in place of its
 * placeholders, and may lack whatever another layer may have.
 */
export function validateText(source: string, file: string, target: AnswerTarget, asked?: FileKind): Judgement {
  const text = readAnswerText(source)
  const kind = asked ?? (hasPlaceholder(text.table ?? {}) ? 'layer' : 'answer')
  if (text.form === 'json' && kind === 'layer') return { kind, problems: placeProblems([NO_LAYER], file, text.index) }
  if (!text.table) return { kind, problems: placeProblems(text.problems, file, text.index) }
  const problems = kind === 'layer' ? judgeLayer(text, target) : judgeAnswer(source, text, target)
  return { kind, problems: placeProblems(problems, file, text.index) }
}

const NO_LAYER = answerError(
  'syntax',
  'this is JSON, and layers are TOML',
  'write it as TOML, or leave --layer out if it is a whole answer',
)

/** Decodes UTF-8; a text in another encoding is told with the place of the first octet that is none. */
export function decodeText(octets: Uint8Array, file: string): string | AnswerProblem {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  try {
    return decoder.decode(octets)
  } catch {
    const lines = Buffer.from(octets).toString('latin1').split('\n')
    // A line break is never a part of another character.
    const line = lines.findIndex(text => isBroken(Buffer.from(text, 'latin1')))
    const column = new TextDecoder().decode(Buffer.from(lines[line] ?? '', 'latin1')).indexOf('\ufffd') + 1
    const hint = 'save it as UTF-8; it looks like ISO 8859 or Windows-1252'
    return answerError('not-utf-8', 'it is not UTF-8 text', hint, { file, line: line + 1, column })
  }
}

function isBroken(octets: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(octets)
    return false
  } catch {
    return true
  }
}
