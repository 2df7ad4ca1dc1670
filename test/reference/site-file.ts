/** `docs/reference/site-file.md`: every table and key of the site file, from its schema and from the comments of `config/site.toml`. */
import { z } from 'zod'
import { forms } from '../../services/site/fields.ts'
import { siteFile } from '../../services/site/schema.ts'
import { code, head } from './page.ts'
import { siteComments, type Told } from './site-comments.ts'
import { secretKeys, siteProblems } from './site-problems.ts'

type Type = z.core.$ZodType

/** One key with all that its type says. */
export type SiteKey = { name: string; type: string; hint?: string; default?: string; required: boolean; free: boolean }
export type SiteTable = { name: string; repeats: boolean; keys: SiteKey[] }

type Read = { type: string; hint?: string; default?: string; required: boolean; free: boolean; inner: Type }

/** The type behind what is optional or has a default. */
function bare(type: Type): { inner: Type; default?: unknown; required: boolean } {
  if (type instanceof z.ZodOptional) return { ...bare(type.unwrap()), required: false }
  if (type instanceof z.ZodDefault || type instanceof z.ZodPrefault)
    return { ...bare(type.unwrap()), default: type.def.defaultValue, required: false }
  return { inner: type, required: true }
}

/** In words; `free`: nothing that is written there can be a wrong value. */
function inWords(type: Type): { type: string; hint?: string; free: boolean } {
  const form = forms.get(type as z.ZodType)
  if (form) return { type: `string: ${form.what}`, hint: form.hint, free: false }
  if (type instanceof z.ZodString) return { type: 'string', free: true }
  if (type instanceof z.ZodBoolean) return { type: 'true or false', free: true }
  if (type instanceof z.ZodEnum)
    return { type: `one of ${type.options.map(one => code(JSON.stringify(one))).join(', ')}`, free: false }
  if (type instanceof z.ZodNumber)
    return { type: `whole number from ${type.minValue} to ${type.maxValue}`, free: false }
  if (type instanceof z.ZodArray) {
    const one = inWords(type.element)
    return { ...one, type: `list of ${one.type.replace(/^string: /, 'strings, each ').replace(/^string$/, 'strings')}` }
  }
  if (type instanceof z.ZodRecord) return { type: 'table of patterns by fact', free: false }
  // An extra option is a table that is read as a whole.
  if (type instanceof z.ZodPipe)
    return { type: 'tables `{ code = …, type = …, value = … }`', hint: 'the types stand below', free: false }
  throw new Error(`the reference has no words for a ${type.constructor.name}`)
}

function read(type: Type): Read {
  const { inner, required, ...rest } = bare(type)
  const isTable = inner instanceof z.ZodObject || (inner instanceof z.ZodArray && inner.element instanceof z.ZodObject)
  const words = isTable ? { type: 'table', free: true } : inWords(inner)
  return { ...words, ...('default' in rest ? { default: JSON.stringify(rest.default) } : {}), required, inner }
}

/** Every table of the file, in the order of the schema; tables in tables after the one that they stand in. What stands before all of them is a table without a name. */
export function siteTables(type: Type = siteFile, name = '', repeats = false): SiteTable[] {
  const table = bare(type).inner
  if (!(table instanceof z.ZodObject)) return []
  const keys: SiteKey[] = []
  const inside: SiteTable[] = []
  for (const [key, value] of Object.entries(table.shape as Record<string, Type>)) {
    const { inner, ...about } = read(value)
    const path = name === '' ? key : `${name}.${key}`
    const element = inner instanceof z.ZodArray ? inner.element : inner
    if (bare(element).inner instanceof z.ZodObject)
      inside.push(...siteTables(element, path, inner instanceof z.ZodArray))
    else keys.push({ name: path, ...about })
  }
  return [{ name, repeats, keys }, ...inside]
}

const lineOf = (label: string, value: string | undefined): string[] => (value ? [`- ${label}: ${value}`] : [])

function titleOf(name: string, repeats: boolean): string {
  return name === '' ? 'Before all tables' : code(repeats ? `[[${name}]]` : `[${name}]`)
}

function defaultOf({ default: value, required }: SiteKey): string {
  if (required) return 'none: it must be set'
  if (value === undefined || value === '""') return 'not set'
  return value === '[]' ? 'empty' : code(value)
}

function keySection(key: SiteKey, told: Told | undefined, problems: readonly string[], isSecret: boolean): string {
  const short = key.name.slice(key.name.lastIndexOf('.') + 1)
  return [
    `### ${code(key.name)}`,
    '',
    told?.about ?? '',
    '',
    ...lineOf('Type', key.hint ? `${key.type}; ${key.hint}` : key.type),
    ...lineOf('Default', defaultOf(key)),
    ...lineOf('Example', told && code(`${short} = ${told.example}`)),
    ...lineOf('Secret', isSecret ? 'the file is; nobody but its owner may read or write it (mode 0600)' : undefined),
    ...lineOf('Problems', problems.map(code).join(', ')),
    '',
  ].join('\n')
}

const ABOUT = [
  'Every table and key of `config/site.toml`, or `/etc/rackrise/site.toml` where the package is installed. `rackrise check` tells everything that is wrong with one,',
  'all at once, with line and column. What each key is for stands in the comments of [config/site.toml](../../config/site.toml), from which this page takes it.',
  '',
  'Every key has `wrong-type` and `duplicate-key` among its problems, and every table `unknown-key`; [reasons](reasons.md#site-file) says what each code means.',
  'Durations are strings with a unit (`"500ms"`, `"90s"`, `"20m"`, `"1h"`, `"7d"`), rates are bytes a second (`"20MiB/s"`). Relative paths start from the folder of the site file, or',
  'from the one above it if that folder is named `config`. A secret never stands in this file: keys that end in `-file` name the files that hold them.',
]

const OPTION_TYPES = `## Extra DHCP options

The keys named \`options\` hold tables of a \`code\` (1 to 254), a \`type\` and a \`value\`. Options that the appliance sets itself are refused (\`owned-option\`).

| Type | Value |
|---|---|
| \`ipv4\` | a list of addresses: \`["10.77.0.1"]\` |
| \`string\` | 1 to 255 printable ASCII characters |
| \`hex\` | 1 to 255 octets: \`"0a4d0001"\` |
| \`bool\` | \`true\` or \`false\` |
| \`uint8\`, \`uint16\`, \`uint32\` | a whole number of that size |
| \`domains\` | a list of up to 16 names, compressed on the wire (RFC 3397) |
| \`routes\` | a list of up to 16 tables \`{ to = "10.80.0.0/16", via = "10.77.0.254" }\` (RFC 3442) |
`

export function siteFilePage(): string {
  const comments = siteComments()
  const problems = siteProblems()
  const secrets = secretKeys()
  const sections = siteTables().flatMap(({ name, repeats, keys }) => [
    `## ${titleOf(name, repeats)}`,
    '',
    ...(comments.get(name)?.about ? [comments.get(name)!.about, ''] : []),
    ...(problems.has(name)
      ? [`Problems of the whole table: ${[...problems.get(name)!].map(code).join(', ')}`, '']
      : []),
    ...keys.map(key => {
      const found = [
        ...(key.required ? ['missing-key'] : []),
        ...(key.free ? [] : ['bad-value']),
        ...(problems.get(key.name) ?? []),
      ]
      return keySection(key, comments.get(key.name), [...new Set(found)], secrets.has(key.name))
    }),
  ])
  return [head('Site file', ...ABOUT), ...sections, OPTION_TYPES].join('\n')
}
