/** Every site file that is shipped or shown whole: those of `config/`, and those of documents, wherever they are. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const ROOT = new URL('../..', import.meta.url).pathname

/** Comments that begin without a blank are TOML that waits to be used; `#:` is for editors. */
export const withExamples = (source: string): string => source.replaceAll(/^#(?=[^ \n:])/gm, '')

const read = (name: string): string => readFileSync(join(ROOT, name), 'utf8')

/** Layers of answers are TOML, too. */
const isSite = (source: string): boolean => /^\[site\]/m.test(source) && /^\[network\]/m.test(source)

const FILES = globSync('{config,docs}/**/*.toml', { cwd: ROOT }).toSorted()
const PAGES = globSync('{README.md,docs/**/*.md,services/*/README.md}', { cwd: ROOT }).toSorted()

const shown = PAGES.flatMap(page =>
  [...read(page).matchAll(/^```toml\n(.*?)^```/gms)].map(([, source], at) => ({
    name: `${page}, fragment ${at + 1}`,
    source: source!,
  })),
)

/** The README of the room shows a file with mistakes. */
const isWrongOnPurpose = ({ name }: { name: string }): boolean => name.startsWith('services/site/README.md')

export const EXAMPLE_SITES: { name: string; source: string }[] = [
  ...FILES.map(name => ({ name, source: read(name) })),
  {
    name: 'config/site.toml with its examples',
    source: withExamples(read('config/site.toml').replaceAll('options = []\n', '')),
  },
  ...shown.filter(one => !isWrongOnPurpose(one)),
].filter(({ source }) => isSite(source))
