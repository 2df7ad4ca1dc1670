/** Words for the kernel's command line. All that the installer does not know stay in the installed system's, for good. */
import { shown, wrong, type Finding, type Path } from './finding.ts'

/** The command line is split on blanks and nothing in it is quoted, so a word is printable ASCII without blanks. */
const WORD = /^[\x21-\x7e]{1,200}$/
/** What an iPXE script would act upon instead of passing on: variables, quotes, escapes, `&&`, `||`, `;`, comments. */
const METACHARACTER = /["'`\\$&|;#]/
/** They name things of the boot that are gone in the installed system, where they break its network or its next boot. */
const LEAKING = ['BOOTIF', 'ip', 'initrd', 'rdinit', 'init']
/**
 * Words that steer the installer belong to the boot plan: a word in the site must never start an installation. Other words that begin with
 * `proxmox-` are labels: the installer ignores them and keeps them out of the installed system.
 */
const STEERING = /^(proxmox-(start-auto-installer|tui-mode|debug)|prox(auto|tui|debug))$/

export function checkKernelArgument(word: string, path: Path): Finding[] {
  if (!WORD.test(word)) {
    const message = `${shown(word)} is not one word of printable ASCII`
    return [
      wrong('bad-value', path, message, 'write each argument as an element of its own, as "console=ttyS0,115200"'),
    ]
  }
  const special = METACHARACTER.exec(word)
  if (special) {
    const message = `${shown(word)} holds ${special[0]}, which the boot script would act upon`
    return [wrong('bad-value', path, message, 'leave it out')]
  }
  if (STEERING.test(word)) {
    return [
      wrong(
        'bad-value',
        path,
        `${shown(word)} steers the installer`,
        'remove it: the boot plan sets it where it is due',
      ),
    ]
  }
  const key = word.split('=')[0] ?? ''
  if (LEAKING.includes(key)) {
    const message = `${shown(word)} would stay in the installed system's command line`
    return [
      wrong('leaking-argument', path, message, 'remove it: the installer copies every word that it does not know'),
    ]
  }
  return []
}
