/**
 * Answer files with what the validator must say of them. Each begins with what it is about, whom it is for (one product and
 * release or several; `layer` before them for a part of an answer), and one line for every problem: severity, code, line and
 * column.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { type AnswerTarget, dialectOf } from '../../services/answer/dialect.ts'

const FOLDER = new URL('corpus/', import.meta.url)

export type Sample = {
  name: string
  about: string
  text: string
  kind: 'answer' | 'layer'
  targets: AnswerTarget[]
  /** `error wrong-value 4:1`, in the order of the file. */
  problems: string[]
}

function targetNamed(text: string): AnswerTarget {
  const [product = '', release = ''] = text.split(' ')
  return { product, installer: dialectOf({ product, release }).installer }
}

function read(name: string): Sample {
  const text = readFileSync(new URL(name, FOLDER), 'utf8')
  const head = text.split('\n').filter(line => line.startsWith('# '))
  const [about = '', forWhom = '', ...problems] = head.map(line => line.slice(2))
  const [, layer, targets = ''] = /^for: (layer )?(.+)$/.exec(forWhom) ?? []
  return {
    name,
    about,
    text,
    kind: layer === undefined ? 'answer' : 'layer',
    targets: targets.split(', ').map(targetNamed),
    problems: problems.filter(line => /^(error|warning) /.test(line)),
  }
}

export const CORPUS: Sample[] = readdirSync(FOLDER)
  .filter(name => name.endsWith('.toml'))
  .map(read)
