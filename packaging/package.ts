/** `npm run package`: `rackrise_<version>_<architecture>.deb`, from the checkout alone, without root. The same commit gives the same bytes. */
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { VERSION } from '../services/cli/version.ts'
import { type Bundled, bundleProgram, ROOT } from './bundle.ts'
import { debianChangelog, newestItems } from './changelog.ts'
import { type Architecture, controlFiles, MAINTAINER } from './control.ts'
import { noticesFor, noticeText } from './licences.ts'
import { fetchPackage } from './registry.ts'
import { type Entry, type Native, packageTree, type Texts } from './tree.ts'

/** Debian's names, and Node's. */
const CPUS: Record<Architecture, string> = { amd64: 'x64', arm64: 'arm64' }
const ARCHITECTURES = Object.keys(CPUS) as Architecture[]
/** A package of 31 MB takes a minute; one that nobody sends anywhere need not be small. */
const TIGHT = ['-Zxz', '-z6']
const QUICK = ['-Zgzip', '-z1']

/** Seconds: when the commit was made, which is the time of every file. */
function sourceDate(): number {
  const said = process.env['SOURCE_DATE_EPOCH']
  const date = Number(said ?? execFileSync('git', ['log', '-1', '--format=%ct'], { cwd: ROOT, encoding: 'utf8' }))
  if (!Number.isSafeInteger(date) || date <= 0) throw new Error(`SOURCE_DATE_EPOCH is no time: ${said}`)
  return date
}

function fetchNative(cpu: string, work: string): Native & { licence: string } {
  const node = fetchPackage(`node-linux-${cpu}`, ['bin/node', 'LICENSE'], work)
  const parts = ['package.json', 'index.js', `linux_${cpu}/koffi.node`]
  const koffi = fetchPackage(`@koromix/koffi-linux-${cpu}`, parts, work)
  return {
    node: readFileSync(join(node, 'bin/node')),
    koffi: parts.map(name => ({ name: `koffi-linux-${cpu}/${name}`, content: readFileSync(join(koffi, name)) })),
    licence: readFileSync(join(node, 'LICENSE'), 'utf8'),
  }
}

/** Of what the page is made of, vite leaves no list: its own imports say it. */
const PAGE_PACKAGES = ['preact', '@preact/signals', '@preact/signals-core']

function noticesOf(bundled: readonly Bundled[], nodeVersion: string, nodeLicence: string): string {
  const modules = bundled.flatMap(({ modules }) => modules)
  const page = PAGE_PACKAGES.map(name => `node_modules/${name}/package.json`)
  const node = { name: 'Node.js', version: nodeVersion, licence: 'MIT and others', text: nodeLicence.trim() }
  return noticeText([...noticesFor([...modules, ...page]), node])
}

/** Lays entries out. Modes do not depend on who builds. */
function lay(entries: readonly Entry[], folder: string): void {
  for (const entry of entries) {
    const path = join(folder, entry.path)
    mkdirSync(dirname(path), { recursive: true })
    if ('link' in entry) symlinkSync(entry.link, path)
    else {
      writeFileSync(path, entry.content)
      chmodSync(path, entry.mode)
    }
  }
}

type Job = { bundled: Bundled[]; date: number; out: string; compression: string[]; work: string }

function buildPackage(architecture: Architecture, { bundled, date, out, compression, work }: Job): string {
  const { licence, ...native } = fetchNative(CPUS[architecture], work)
  const at = new Date(date * 1000)
  const items = newestItems(readFileSync(join(ROOT, 'CHANGELOG.md'), 'utf8'))
  const texts: Texts = {
    version: VERSION,
    at,
    changelog: debianChangelog({ version: VERSION, maintainer: MAINTAINER, at, items }),
    notices: noticesOf(bundled, process.version, licence),
  }
  const entries = packageTree(bundled, texts, native)
  const folder = join(work, architecture)
  lay(entries, folder)
  lay(controlFiles(entries, VERSION, architecture), join(folder, 'DEBIAN'))
  const deb = join(out, `rackrise_${VERSION}_${architecture}.deb`)
  const line = ['--root-owner-group', ...compression, '--build', folder, deb]
  // dpkg-deb sorts, and gives all that is newer this time.
  execFileSync('dpkg-deb', line, { env: { ...process.env, SOURCE_DATE_EPOCH: String(date) }, stdio: 'pipe' })
  return deb
}

const USAGE = `npm run package -- [--arch ${ARCHITECTURES.join('|')}]... [--out FOLDER] [--quick]\n`

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      arch: { type: 'string', multiple: true, default: ARCHITECTURES },
      out: { type: 'string', default: 'packaging/dist' },
      quick: { type: 'boolean', default: false },
    },
  })
  const architectures = ARCHITECTURES.filter(name => values.arch.includes(name))
  if (architectures.length !== new Set(values.arch).size) {
    process.stderr.write(USAGE)
    process.exitCode = 2
    return
  }
  process.umask(0o022)
  const out = resolve(ROOT, values.out)
  mkdirSync(out, { recursive: true })
  const work = mkdtempSync(join(tmpdir(), 'rackrise-package-'))
  try {
    execFileSync('npm', ['run', '--silent', 'build'], { cwd: ROOT, stdio: 'inherit' })
    const bundled = await bundleProgram()
    const job = { bundled, date: sourceDate(), out, compression: values.quick ? QUICK : TIGHT, work }
    for (const architecture of architectures) process.stdout.write(`${buildPackage(architecture, job)}\n`)
  } finally {
    rmSync(work, { recursive: true })
  }
}

if (import.meta.main) await main()
