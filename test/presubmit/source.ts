/** The source as text, for the rules that are tests. */
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'

export const ROOT = join(import.meta.dirname, '../..')

export type SourceFile = { path: string; text: string; lines: string[] }

function walk(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap(entry => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : walk(path)
    return /\.tsx?$/.test(entry.name) ? [path] : []
  })
}

export function sourcesOf(folder: string): SourceFile[] {
  return walk(join(ROOT, folder)).map(path => {
    const text = readFileSync(path, 'utf8')
    return { path: relative(ROOT, path), text, lines: text.split('\n') }
  })
}

/** Rooms are the folders of services/. */
export function rooms(): string[] {
  return readdirSync(join(ROOT, 'services'), { withFileTypes: true })
    .flatMap(entry => (entry.isDirectory() ? [entry.name] : []))
    .sort()
}

export type Import = { from: string; names: string }

/** Static imports and exports-from, and dynamic imports of literals. */
export function importsOf(file: SourceFile): Import[] {
  const statics = [...file.text.matchAll(/^(?:import|export)\s+([^'"]*?)\s*from\s*['"]([^'"]+)['"]/gm)].map(
    ([, names = '', from = '']) => ({ from, names }),
  )
  const bare = [...file.text.matchAll(/^import\s+['"]([^'"]+)['"]/gm)].map(([, from = '']) => ({ from, names: '' }))
  const dynamic = [...file.text.matchAll(/\bimport\(\s*['"]([^'"]+)['"]\s*\)/g)].map(([, from = '']) => ({
    from,
    names: '',
  }))
  return [...statics, ...bare, ...dynamic]
}
