/** What the package installs, as a list of values: path, mode, content. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { SCRIPTS, type Shell } from '../services/cli/completion-scripts.ts'
import { wordsOf } from '../services/cli/completion-words.ts'
import { COMMANDS } from '../services/cli/run.ts'
import { type Bundled, ROOT } from './bundle.ts'
import { manualPages } from './manual-pages.ts'
import { markdownPage } from './markdown-page.ts'
import { installedSiteFile } from './site-file.ts'

type Mode = 0o644 | 0o755
/** A path from the root of the system, without a slash before it. */
export type Entry = { path: string; content: Uint8Array; mode: Mode } | { path: string; link: string }

export const PROGRAM = 'usr/lib/rackrise'
const NODE = `${PROGRAM}/node`

const read = (name: string): Buffer => readFileSync(join(ROOT, name))

export function file(path: string, content: string | Uint8Array, mode: Mode = 0o644): Entry {
  return { path, content: typeof content === 'string' ? Buffer.from(content) : content, mode }
}

/** Without a time in it. */
export function gzipped(path: string, content: string | Uint8Array): Entry {
  return file(`${path}.gz`, gzipSync(content, { level: 9 }))
}

/** All files below a folder of the checkout, at the same place below `to`. */
function copied(from: string, to: string, which: RegExp = /./): Entry[] {
  return readdirSync(join(ROOT, from), { withFileTypes: true, recursive: true })
    .filter(entry => entry.isFile() && which.test(entry.name))
    .map(entry => join(entry.parentPath, entry.name).slice(join(ROOT, from).length + 1))
    .map(name => file(`${to}/${name}`, read(`${from}/${name}`)))
}

/** The program finds these where they lie in a checkout (`kit/program-files.ts`). */
function programFiles(bundled: readonly Bundled[], version: string): Entry[] {
  const modules = bundled.map(({ path, code }) =>
    path === 'services/main.js'
      ? file(`${PROGRAM}/${path}`, code.replace(/^(#!.*\n)?/, `#!/${NODE}\n`), 0o755)
      : file(`${PROGRAM}/${path}`, code),
  )
  const same = (folder: string, which?: RegExp): Entry[] => copied(folder, `${PROGRAM}/${folder}`, which)
  return [
    ...modules,
    file(`${PROGRAM}/package.json`, `${JSON.stringify({ name: 'rackrise', version, type: 'module' })}\n`),
    ...same('services/console/page/dist'),
    ...same('services/lab/stand-in', /\.(sh|bash)$/),
    // What the lab boots, and with which answers.
    ...same('config', /^site\.lab\.toml$/),
    ...same('answers', /\.toml$/),
    { path: `${PROGRAM}/isos`, link: '/srv/rackrise/isos' },
    { path: 'usr/bin/rackrise', link: `../lib/rackrise/services/main.js` },
  ]
}

/** Layers that every site can use; the others are examples. */
const LAYERS = ['base', 'ext4', 'zfs-mirror']

/** What an administrator edits, and dpkg keeps as it was edited. */
function settings(): Entry[] {
  return [
    file('etc/rackrise/site.toml', installedSiteFile(read('config/site.toml').toString())),
    ...LAYERS.map(name => file(`etc/rackrise/answers/${name}.toml`, read(`answers/${name}.toml`))),
  ]
}

/** Where a file of systemd/ goes, by its ending. */
const UNIT_FOLDERS: [ending: RegExp, path: (name: string) => string, mode?: Mode][] = [
  [/\.(service|socket|target|timer|path)$/, name => `usr/lib/systemd/system/${name}`],
  [/\.sysusers$/, () => 'usr/lib/sysusers.d/rackrise.conf'],
  [/\.tmpfiles$/, () => 'usr/lib/tmpfiles.d/rackrise.conf'],
  [/-generator$/, name => `usr/lib/systemd/system-generators/${name}`, 0o755],
]
const NOT_UNITS = new Set(['README.md'])

/** Throws at a file that has no place: it would be forgotten. */
function units(): Entry[] {
  return readdirSync(join(ROOT, 'systemd'))
    .filter(name => !NOT_UNITS.has(name))
    .map(name => {
      const place = UNIT_FOLDERS.find(([ending]) => ending.test(name))
      if (!place) throw new Error(`packaging/tree.ts does not say where systemd/${name} goes`)
      const [, path, mode] = place
      return file(path(name), read(`systemd/${name}`), mode)
    })
}

const COMPLETIONS: Record<Shell, string> = {
  bash: 'usr/share/bash-completion/completions/rackrise',
  zsh: 'usr/share/zsh/vendor-completions/_rackrise',
  fish: 'usr/share/fish/vendor_completions.d/rackrise.fish',
}

function completions(): Entry[] {
  const words = COMMANDS.map(wordsOf)
  return Object.entries(COMPLETIONS).map(([shell, path]) => file(path, SCRIPTS[shell as Shell](words)))
}

const DOC = 'usr/share/doc/rackrise'

export type Texts = { version: string; at: Date; changelog: string; notices: string }

function documents({ version, at, changelog, notices }: Texts): Entry[] {
  const about = { version, date: at.toISOString().slice(0, 10) }
  const siteFile = { name: 'rackrise-site.toml', section: 5, summary: 'the site file of rackrise', ...about }
  const pages = [
    ...manualPages(COMMANDS, about),
    markdownPage(read('docs/reference/site-file.md').toString(), siteFile),
  ]
  return [
    ...pages.map(({ name, section, text }) => gzipped(`usr/share/man/man${section}/${name}.${section}`, text)),
    file(`${DOC}/copyright`, read('packaging/debian/copyright')),
    gzipped(`${DOC}/changelog`, changelog),
    gzipped(`${DOC}/third-party-notices`, notices),
    ...copied('docs', DOC, /\.(md|yml|json)$/),
    file(`${DOC}/answers.md`, read('answers/README.md')),
    ...['node1', 'lab-disk'].map(name => file(`${DOC}/examples/answers/${name}.toml`, read(`answers/${name}.toml`))),
    file('usr/share/lintian/overrides/rackrise', read('packaging/debian/lintian-overrides')),
  ]
}

/** The binaries of one architecture: the runtime, and what calls libc. */
export type Native = {
  node: Uint8Array
  /** Named as in node_modules/@koromix: `koffi-linux-x64/index.js`. */
  koffi: { name: string; content: Uint8Array }[]
}

/** In order of their paths. */
export function packageTree(bundled: readonly Bundled[], texts: Texts, { node, koffi }: Native): Entry[] {
  const entries = [
    ...programFiles(bundled, texts.version),
    file(NODE, node, 0o755),
    ...koffi.map(({ name, content }) => file(`${PROGRAM}/node_modules/@koromix/${name}`, content)),
    ...settings(),
    ...units(),
    ...completions(),
    ...documents(texts),
  ]
  return entries.toSorted((a, b) => (a.path < b.path ? -1 : 1))
}
