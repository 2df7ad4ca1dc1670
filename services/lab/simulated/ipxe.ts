/**
 * Runs iPXE boot scripts as iPXE does, as far as a sane boot script goes: one command a line, blanks between words and no
 * quotes, `${...}` pasted in before the line is split, `||`, `&&`, labels, `goto`, `chain`. What it does not know is an error.
 */
import { expand, type Setting, type Settings } from './ipxe-settings.ts'

export type LoadedImage = { name: string; url: string }

export type ScriptEnd =
  /** A kernel was started; its initrds stand in the order given. */
  | { end: 'kernel'; kernel: LoadedImage; args: string; initrds: LoadedImage[] }
  /** The local disk was booted by iPXE itself. */
  | { end: 'disk' }
  /** iPXE handed back to the firmware, which goes on with its next boot device. */
  | { end: 'exit' }
  | { end: 'failed'; why: string }

export type Fetched = { ok: true; text?: string } | { ok: false; reason: string }

/** What a script acts on. */
export type IpxeHost = {
  settings: Settings
  /** Loads an image; `text` is given for a script. */
  fetch(url: string, use: 'script' | 'kernel' | 'initrd', name: string): Promise<Fetched>
  /** Boots the disk; false if it cannot. */
  sanboot(): boolean
  echo(line: string): void
  pause(ms: number): Promise<void>
}

/** Its numbers tell nothing here: the reason stands in words. */
const SOME_ERROR = '0x2d0c6139'
/** Enough for any script that ends. */
const LINES_MOST = 2000
const CHAINS_MOST = 16
const SCRIPT_MARK = '#!ipxe'

type Result = { ok: true } | { ok: false; reason: string }
type Flow = { rc: Result; stop?: ScriptEnd | 'exit-ok' | 'exit-bad' }

const DONE: Flow = { rc: { ok: true } }
const failure = (reason: string): Flow => ({ rc: { ok: false, reason } })

/** Options of a command (`--name value`, `--flag`), and the other words. */
function splitOptions(
  words: readonly string[],
  valued: readonly string[],
): { options: Map<string, string>; rest: string[] } {
  const options = new Map<string, string>()
  let at = 0
  while (at < words.length && words[at]!.startsWith('-')) {
    const [name = '', inline] = words[at]!.replace(/^-+/, '').split('=', 2)
    const takesNext = inline === undefined && valued.includes(name)
    options.set(name, inline ?? (takesNext ? (words[at + 1] ?? '') : ''))
    at += takesNext ? 2 : 1
  }
  return { options, rest: words.slice(at) }
}

/** Splits a line into commands and what joins each to the one before it. */
export function splitCommands(line: string): { join: 'always' | '&&' | '||' | ';'; words: string[] }[] {
  const commands: { join: 'always' | '&&' | '||' | ';'; words: string[] }[] = [{ join: 'always', words: [] }]
  for (const word of line.split(/\s+/).filter(part => part !== '')) {
    if (word.startsWith('#')) break
    if (word === '&&' || word === '||' || word === ';') commands.push({ join: word, words: [] })
    else commands.at(-1)!.words.push(word)
  }
  return commands
}

class Ipxe {
  private readonly host: IpxeHost
  private readonly own = new Map<string, Setting>()
  private kernel: (LoadedImage & { args: string }) | undefined
  private initrds: LoadedImage[] = []
  private lines = 0
  private chains = 0

  constructor(host: IpxeHost) {
    this.host = host
  }

  private readonly settings: Settings = name => this.own.get(name) ?? this.host.settings(name)

  /** Runs a script from `base`, against which its relative addresses stand. */
  async script(text: string, base: string): Promise<Flow> {
    const lines = text.split(/\r?\n/)
    if (lines[0]?.trim() !== SCRIPT_MARK) return failure(`the script does not begin with ${SCRIPT_MARK}`)
    for (let at = 1; at < lines.length; ) {
      this.lines += 1
      if (this.lines > LINES_MOST) return { rc: DONE.rc, stop: { end: 'failed', why: 'the script does not end' } }
      const line = lines[at]!.trim()
      if (line.startsWith(':')) {
        at += 1
        continue
      }
      const jump: { to?: string } = {}
      const flow = await this.line(line, base, jump)
      if (flow.stop) return flow
      if (!flow.rc.ok) return failure(`line ${at + 1}: ${flow.rc.reason}`)
      const target = jump.to === undefined ? at + 1 : lines.findIndex(label => label.trim() === `:${jump.to}`)
      if (target < 0) return failure(`line ${at + 1}: there is no label ${jump.to}`)
      at = target
    }
    return DONE
  }

  private async line(line: string, base: string, jump: { to?: string }): Promise<Flow> {
    let flow = DONE
    for (const { join, words } of splitCommands(expand(line, this.settings))) {
      if ((join === '&&' && !flow.rc.ok) || (join === '||' && flow.rc.ok)) continue
      flow = words.length === 0 ? DONE : await this.command(words[0]!, words.slice(1), base, jump)
      if (!flow.rc.ok) this.own.set('errno', { text: SOME_ERROR })
      if (flow.stop || jump.to !== undefined) return flow
    }
    return flow
  }

  private async command(name: string, args: string[], base: string, jump: { to?: string }): Promise<Flow> {
    switch (name) {
      case 'echo':
        this.host.echo(splitOptions(args, []).rest.join(' '))
        return DONE
      case 'goto':
        if (args[0] === undefined) return failure('goto without a label')
        jump.to = args[0]
        return DONE
      case 'exit':
        return { rc: DONE.rc, stop: Number(args[0] ?? 0) === 0 ? 'exit-ok' : 'exit-bad' }
      case 'sleep':
        await this.host.pause(Number(args[0]) * 1000)
        return DONE
      case 'prompt':
        // Nobody stands before a simulated machine.
        await this.host.pause(Number(splitOptions(args, ['key', 'timeout']).options.get('timeout') ?? 0))
        return failure('no key was pressed')
      case 'sanboot':
        // A SAN device that iPXE has not attached itself exists under BIOS only, where drive 0x80 is the first disk.
        return this.host.sanboot()
          ? { rc: DONE.rc, stop: { end: 'disk' } }
          : failure('could not boot: no bootable disk')
      case 'chain':
        return this.chain(args, base)
      case 'kernel':
      case 'initrd':
      case 'imgargs':
      case 'imgfree':
      case 'boot':
        return this.image(name, args, base)
      default:
        return this.variable(name, args)
    }
  }

  private variable(name: string, args: string[]): Flow {
    switch (name) {
      case 'set':
        if (args.length < 2) this.own.delete(nameOf(args[0]))
        else this.own.set(nameOf(args[0]), { text: args.slice(1).join(' ') })
        return DONE
      case 'inc': {
        const sum = Number(this.own.get(nameOf(args[0]))?.text ?? 0) + Number(args[1] ?? 1)
        this.own.set(nameOf(args[0]), { text: String(sum) })
        return DONE
      }
      case 'clear':
        this.own.delete(args[0] ?? '')
        return DONE
      case 'isset':
        return args.length > 0 ? DONE : failure('not set')
      case 'iseq':
        return args.length === 2 && args[0] === args[1] ? DONE : failure(`${args[0] ?? ''} is not ${args[1] ?? ''}`)
      default:
        return failure(`${name}: command not found`)
    }
  }

  private async image(name: string, args: string[], base: string): Promise<Flow> {
    const { options, rest } = splitOptions(args, ['name', 'n', 'timeout', 't'])
    if (name === 'imgfree') {
      this.kernel = undefined
      this.initrds = []
      return DONE
    }
    if (name === 'imgargs') {
      if (!this.kernel || this.kernel.name !== rest[0]) return failure(`no image ${rest[0] ?? ''}`)
      this.kernel = { ...this.kernel, args: rest.slice(1).join(' ') }
      return DONE
    }
    if (name === 'boot' && rest[0] === undefined) return this.start()
    const loaded = await this.load(name === 'initrd' ? 'initrd' : 'kernel', rest, options, base)
    return loaded.ok && name === 'boot' ? this.start() : { rc: loaded }
  }

  private async load(
    use: 'kernel' | 'initrd',
    words: string[],
    options: Map<string, string>,
    base: string,
  ): Promise<Result> {
    const url = URL.parse(words[0] ?? '', base)
    if (!url) return { ok: false, reason: `${use} without an address` }
    // `initrd URL NAME`: the words after the address are the image's arguments, of which the first names the file.
    const inline = use === 'initrd' ? words[1] : undefined
    const name = options.get('name') ?? options.get('n') ?? inline ?? lastPart(url)
    const fetched = await this.host.fetch(url.href, use, name)
    if (!fetched.ok) return fetched
    const image = { name, url: url.href }
    if (use === 'kernel') this.kernel = { ...image, args: words.slice(1).join(' ') }
    else this.initrds.push(image)
    return { ok: true }
  }

  private start(): Flow {
    if (!this.kernel) return failure('boot: no kernel is loaded')
    const { args, ...kernel } = this.kernel
    return { rc: DONE.rc, stop: { end: 'kernel', kernel, args, initrds: this.initrds } }
  }

  private async chain(args: string[], base: string): Promise<Flow> {
    const { options, rest } = splitOptions(args, ['name', 'n', 'timeout', 't'])
    const url = URL.parse(rest[0] ?? '', base)
    if (!url) return failure('chain without an address')
    this.chains += 1
    if (this.chains > CHAINS_MOST)
      return { rc: DONE.rc, stop: { end: 'failed', why: `the scripts chain in a circle: ${url.href}` } }
    const fetched = await this.host.fetch(url.href, 'script', lastPart(url))
    if (!fetched.ok) return failure(fetched.reason)
    const flow = await this.script(fetched.text ?? '', url.href)
    if (options.has('replace') || options.has('r'))
      return { rc: flow.rc, stop: flow.stop ?? (flow.rc.ok ? 'exit-ok' : endOf(flow)) }
    if (flow.stop === 'exit-ok') return DONE
    return flow.stop === 'exit-bad' ? failure('the chained script ended with a failure') : flow
  }
}

/** `wait:int32` is the setting `wait`. */
function nameOf(setting: string | undefined): string {
  return setting?.split(':')[0] ?? ''
}

function lastPart(url: URL): string {
  return url.pathname.split('/').at(-1) ?? ''
}

function endOf(flow: Flow): ScriptEnd {
  if (typeof flow.stop === 'object') return flow.stop
  // iPXE that has nothing more to do gives the boot option back, whatever the status.
  return flow.rc.ok || flow.stop ? { end: 'exit' } : { end: 'failed', why: `boot script: ${flow.rc.reason}` }
}

/** Runs the script that stands at `base` to its end. Never throws for any text. */
export async function runScript(text: string, base: string, host: IpxeHost): Promise<ScriptEnd> {
  return endOf(await new Ipxe(host).script(text, base))
}
