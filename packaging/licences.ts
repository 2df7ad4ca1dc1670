/** What others have written and the package carries: its licences, read from the packages themselves. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './bundle.ts'

export type Notice = { name: string; version: string; licence: string; text: string }

const LICENCE_FILE = /^(licen[cs]e|copying|notice)(\.|-|$)/i
const PACKAGE = /^node_modules\/(?:.*\/node_modules\/)?((?:@[^/]+\/)?[^/]+)/

/** The folder of the package that a module belongs to; undefined: it is our own. */
export function packageOf(module: string): string | undefined {
  return PACKAGE.exec(module)?.[0]
}

type Manifest = { name: string; version: string; license?: string; author?: string | { name: string } }

/** Some packages have no file of it, and name it only: then that, and who wrote them. Throws if there is neither. */
export function noticeOf(folder: string): Notice {
  const at = join(ROOT, folder)
  const { name, version, license, author } = JSON.parse(readFileSync(join(at, 'package.json'), 'utf8')) as Manifest
  const files = readdirSync(at).filter(file => LICENCE_FILE.test(file))
  if (license === undefined && files.length === 0) throw new Error(`${folder} does not say under which licence it is`)
  const who = typeof author === 'string' ? author : author?.name
  const named = `Its authors name the licence only: ${license}${who ? ` (${who})` : ''}.`
  const text = files.toSorted().map(file => readFileSync(join(at, file), 'utf8').trim())
  return { name, version, licence: license ?? 'see below', text: text.length > 0 ? text.join('\n\n') : named }
}

/** Of all packages with a module among these, in order of their names. */
export function noticesFor(modules: readonly string[]): Notice[] {
  const folders = new Set(modules.flatMap(module => packageOf(module) ?? []))
  return [...folders].filter(folder => existsSync(join(ROOT, folder, 'package.json'))).map(noticeOf)
}

const RULE = '-'.repeat(78)

/** One text, each package once, in order of names and versions. */
export function noticeText(notices: readonly Notice[]): string {
  const byName = new Map(notices.map(notice => [`${notice.name} ${notice.version}`, notice]))
  const parts = [...byName.keys()].toSorted().map(key => {
    const { licence, text } = byName.get(key)!
    return `${RULE}\n${key}: ${licence}\n\n${text}\n`
  })
  return `Software of others that this package contains, each with its licence.\n\n${parts.join('\n')}`
}
