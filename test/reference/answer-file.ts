/** `docs/reference/answer-file.md`: which keys of an answer file which installer takes, from the tables that answers are checked with. */
import { z } from 'zod'
import { dialectOf, formatVersion, PRODUCTS, releasesOf } from '../../services/answer/dialect.ts'
import { isSpelledBothWays, sinceOf } from '../../services/answer/keys.ts'
import { answerSchema } from '../../services/answer/schema.ts'
import { code, head, table } from './page.ts'

type Shape = z.core.$ZodType

const LONGEST_LIST = 16

function inWords(shape: Shape): string {
  if (shape instanceof z.ZodOptional) return inWords(shape.unwrap())
  if (shape instanceof z.ZodEnum) {
    const values = shape.options.map(String).filter(value => value === value.toLowerCase())
    return values.length > LONGEST_LIST ? `one of ${values.length} names` : values.map(code).join(', ')
  }
  if (shape instanceof z.ZodLiteral) return [...shape.values].map(value => code(String(value))).join(', ')
  if (shape instanceof z.ZodUnion) return shape.options.map(inWords).join(', or ')
  if (shape instanceof z.ZodObject) return `a table of ${Object.keys(shape.shape).map(code).join(', ')}`
  if (shape instanceof z.ZodArray) return `list of ${inWords(shape.element)}s`
  if (shape instanceof z.ZodRecord) return 'a table: its keys are yours'
  if (shape instanceof z.ZodBoolean) return 'true or false'
  if (shape instanceof z.ZodNumber) return shape.isInt ? 'whole number' : 'number'
  if (shape instanceof z.ZodString) return 'string'
  throw new Error(`the reference has no words for a ${shape.constructor.name}`)
}

function bare(shape: Shape): Shape {
  return shape instanceof z.ZodOptional ? bare(shape.unwrap()) : shape
}

type Key = { path: string; shape: Shape; required: boolean }

/** Every key that holds a value, by its whole path. */
function keysOf(shape: Shape, path: string): Key[] {
  const inner = bare(shape)
  if (!(inner instanceof z.ZodObject)) return [{ path, shape, required: !(shape instanceof z.ZodOptional) }]
  return Object.entries(inner.shape as Record<string, Shape>).flatMap(([key, below]) =>
    keysOf(below, path === '' ? key : `${path}.${key}`),
  )
}

function rowOf({ path, shape, required }: Key): string[] {
  const key = path.slice(path.indexOf('.') + 1)
  const since = sinceOf(path)
  const [last = ''] = path.split('.').slice(-1)
  return [
    code(key),
    inWords(shape),
    required ? 'yes' : '',
    since ? formatVersion(since) : '',
    isSpelledBothWays(path) ? code(last.replaceAll('-', '_')) : '',
  ]
}

/** What the installer of each release takes. */
function releaseRows(): string[][] {
  return PRODUCTS.flatMap(product =>
    releasesOf(product).map(release => {
      const { installer, acceptsJson, kebabCase } = dialectOf({ product, release })
      return [
        product,
        release,
        formatVersion(installer),
        kebabCase ? 'hyphens' : 'underscores',
        acceptsJson ? 'yes' : '',
      ]
    }),
  )
}

const ABOUT = [
  'Keys of an answer file, in any layer. Layers are ordinary Proxmox answer files or parts of one, and what they come to is checked for the installer that asks:',
  'a key that it does not know yet is left out, with a warning (`newer-key`), and keys are spelled as it knows them. `rackrise answer validate --product pve --release 9.2` checks a file for one of them.',
  '[What Proxmox says of each key](https://pve.proxmox.com/wiki/Automated_Installation#Answer_File_Format) holds here, too; [reasons](reasons.md#answers) says what can be wrong.',
]

export function answerFilePage(): string {
  const sections = Object.entries(answerSchema.shape).flatMap(([name, shape]) => [
    `## ${code(`[${name}]`)}`,
    '',
    ...(shape instanceof z.ZodOptional ? ['May be left out.', ''] : []),
    table(['Key', 'Value', 'Required', 'Since installer', 'Also written'], keysOf(shape, name).map(rowOf)),
    '',
  ])
  return [
    head('Answer file', ...ABOUT),
    'A table is there as a whole or not at all: *required* is within its table. An empty *since* means the first automated installer, 8.2.',
    '',
    ...sections,
    '## Which installer is in which release',
    '',
    'The oldest one of each release counts. An installer that asks tells what it takes by its `Accept` header as well, and that counts more.',
    '',
    table(['Product', 'Release', 'Installer', 'Multi-word keys', 'JSON'], releaseRows()),
    '',
  ].join('\n')
}
