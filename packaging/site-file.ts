/** The site file that the package brings: `config/site.toml` itself, with the paths of an installed system. */
import { INSTALLED_ISOS } from '../services/cli/command.ts'

/** What differs from a checkout. The folder of answers does not: it lies beside the site file. */
const INSTALLED: [line: string, instead: string][] = [['isos = "isos"', `isos = "${INSTALLED_ISOS}"`]]

/** Throws if the text has changed so that a line is not there exactly once. */
export function installedSiteFile(text: string): string {
  const lines = text.split('\n')
  for (const [line, instead] of INSTALLED) {
    const at = lines.indexOf(line)
    if (at === -1 || lines.includes(line, at + 1)) throw new Error(`config/site.toml has not exactly one line ${line}`)
    lines[at] = instead
  }
  return lines.join('\n')
}
