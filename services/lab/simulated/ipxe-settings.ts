/** `${name:type}` in iPXE scripts: settings are looked up, formatted by type and pasted in as text. */

/** A setting in the machine: text, or bytes such as a MAC that formats render. */
export type Setting = { text: string; bytes?: Uint8Array }

export type Settings = (name: string) => Setting | undefined

const REFERENCE = /\$\{([^${}]*)\}/
/** Every pass takes out one reference; more are a script that writes references into its own settings. */
const PASSES_MOST = 1000

function hex(bytes: Uint8Array, separator: string): string {
  return Array.from(bytes, octet => octet.toString(16).padStart(2, '0')).join(separator)
}

/** The types that boot scripts use; the name of an unknown one is undefined, as in iPXE where it empties the value. */
function format(setting: Setting, type: string): string | undefined {
  const bytes = setting.bytes ?? Buffer.from(setting.text)
  switch (type) {
    case '':
    case 'string':
    case 'uuid':
    case 'ipv4':
      return setting.text
    case 'uristring':
      return encodeURIComponent(setting.text)
    case 'hex':
      return hex(bytes, ':')
    case 'hexhyp':
      return hex(bytes, '-')
    case 'hexraw':
      return hex(bytes, '')
    default:
      return undefined
  }
}

function look(reference: string, settings: Settings): string {
  const [name = '', type = ''] = reference.split(':')
  const setting = settings(name)
  return (setting && format(setting, type)) ?? ''
}

/** Replaces every reference, the innermost first; an unknown setting is empty text. */
export function expand(text: string, settings: Settings): string {
  let expanded = text
  for (let pass = 0; pass < PASSES_MOST; pass++) {
    const found = REFERENCE.exec(expanded)
    if (!found) return expanded
    expanded =
      expanded.slice(0, found.index) + look(found[1]!, settings) + expanded.slice(found.index + found[0].length)
  }
  return expanded
}
