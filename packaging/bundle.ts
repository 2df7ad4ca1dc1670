/**
 * The program as few files of JavaScript. Each module that runs by itself becomes one file with all that it needs in it and nothing else to load: an upgrade
 * replaces files under a process that runs, which must not meet a half of the next version afterwards.
 */
import { join, relative } from 'node:path'
import { rolldown } from 'rolldown'

export const ROOT = join(import.meta.dirname, '..')

/** The program, and what `programModule` starts: threads and one process. Named without its ending, as there. */
export const ENTRIES = [
  'services/main',
  'services/store/commit-thread',
  'services/store/statement-thread',
  'services/http/send-thread',
  'services/lab/console-relay',
] as const

/** Its loader picks the machine's own binary at run time, which lies in node_modules of the package, too. */
const NATIVE = /^@koromix\//

export type Bundled = {
  /** Named from the root, as `services/main.js`. */
  path: string
  code: string
  /** Modules in it, named from the root. */
  modules: string[]
}

/** What this Node runs as they are: nothing is minified, so that a stack trace still tells where it was. */
async function bundleOf(entry: string): Promise<Bundled> {
  const bundle = await rolldown({
    cwd: ROOT,
    input: join(ROOT, `${entry}.ts`),
    platform: 'node',
    external: NATIVE,
    checks: { pluginTimings: false },
    onLog(level, log) {
      throw new Error(`${entry}: ${level}: ${log.message}`)
    },
  })
  try {
    const { output } = await bundle.generate({ format: 'esm', codeSplitting: false, comments: { legal: false } })
    const [chunk, ...more] = output
    if (more.length > 0) throw new Error(`${entry} came in ${output.length} files, not in one`)
    const modules = chunk.moduleIds.filter(id => id.startsWith('/')).map(id => relative(ROOT, id))
    return { path: `${entry}.js`, code: chunk.code, modules }
  } finally {
    await bundle.close()
  }
}

export async function bundleProgram(): Promise<Bundled[]> {
  const bundled: Bundled[] = []
  for (const entry of ENTRIES) bundled.push(await bundleOf(entry))
  return bundled
}
