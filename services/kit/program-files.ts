/**
 * The files of this program, found in the same way wherever it runs: in a checkout, and in a package, where the modules are bundled and all else lies as it does
 * here. The root of both is the folder with package.json.
 */
import { findPackageJSON } from 'node:module'
import { dirname, extname, join } from 'node:path'

const ROOT = dirname(findPackageJSON(import.meta.url)!)

/** @param name of a file or folder, from the root: `services/console/page/dist` */
export function programFile(name: string): string {
  return join(ROOT, name)
}

/**
 * A module that runs in a thread or a process of its own; bundled, it is a file of its own, too (`packaging/bundle.ts` has the list).
 * @param name from the root, without its ending: that is the one of this file
 */
export function programModule(name: string): string {
  return join(ROOT, `${name}${extname(import.meta.filename)}`)
}
