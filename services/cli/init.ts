/** `rackrise init`: asks for what nobody can guess, or takes flags, and writes a first site file. */
import { copyFile, mkdir, open, readFile } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { type Ipv4, ipv4FromBytes, parseInterfaceAddress } from '../kit/ipv4.ts'
import { EnvironmentProblem } from '../kit/problem.ts'
import { programFile } from '../kit/program-files.ts'
import { type FirstSite, firstSiteText, poolSize, suggestPool } from '../site/first-site.ts'
import { hostEnvironment } from '../site/load.ts'
import { parseSite } from '../site/parse.ts'
import { baseFolder } from '../site/resolve.ts'
import {
  type Command,
  complain,
  complainOf,
  configFile,
  INSTALLED_CONFIG,
  INSTALLED_ISOS,
  type ExitStatus,
  say,
  usageError,
  type Values,
} from './command.ts'
import { exists } from './exists.ts'

/** Names with their first IPv4 address, those of the host's own loopback left out. */
function interfaces(): Map<string, string> {
  const found = Object.entries(networkInterfaces()).flatMap(([name, addresses]): [string, string][] => {
    const first = addresses?.find(({ family, internal }) => family === 'IPv4' && !internal)
    return first?.cidr ? [[name, first.cidr]] : []
  })
  return new Map(found)
}

const DESTINATION_COLUMN = 1
const GATEWAY_COLUMN = 2

/** The gateway of the default route by that interface; the kernel writes it as the hexadecimal of a little-endian number. */
async function gatewayOf(device: string): Promise<Ipv4 | undefined> {
  const routes = await readFile('/proc/net/route', 'utf8').catch(() => '')
  const row = routes
    .split('\n')
    .map(line => line.split('\t'))
    .find(columns => columns[0] === device && columns[DESTINATION_COLUMN] === '00000000')
  const octets = Buffer.from(row?.[GATEWAY_COLUMN] ?? '', 'hex').reverse()
  return row && octets.some(octet => octet !== 0) ? ipv4FromBytes(octets) : undefined
}

type Ask = (question: string, suggestion: string | undefined) => Promise<string>

/** Enter takes the suggestion. */
function asker(): { ask: Ask; close: () => void } {
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  const ask: Ask = async (question, suggestion) => {
    for (;;) {
      const said = (await terminal.question(`${question}${suggestion ? ` [${suggestion}]` : ''}: `)).trim()
      if (said !== '' || suggestion !== undefined) return said || suggestion!
    }
  }
  return { ask, close: () => terminal.close() }
}

/** They go together: what all machines share, and the disk of each. */
const FIRST_LAYERS = ['base', 'ext4']

/** `missing`: folders that are made with the site file, and the first layers in that of the answers. */
type Surroundings = { layers: string[]; missing: ('answers' | 'isos')[]; base: string }

async function lookAround(file: string, isos: string | undefined): Promise<Surroundings> {
  const base = baseFolder(file, process.cwd())
  const missing: Surroundings['missing'] = []
  if (!(await exists(join(base, 'answers')))) missing.push('answers')
  if (isos === undefined && !(await exists(join(base, 'isos')))) missing.push('isos')
  const isThere = await Promise.all(FIRST_LAYERS.map(name => exists(join(base, 'answers', `${name}.toml`))))
  const layers = FIRST_LAYERS.filter((_, at) => isThere[at] || missing.includes('answers'))
  return { layers, missing, base }
}

/** Returns what it made, as a person finds it from here. */
async function furnish({ base, missing }: Surroundings): Promise<string[]> {
  const made: string[] = []
  try {
    for (const folder of missing) await mkdir(join(base, folder), { recursive: true })
    for (const name of missing.includes('answers') ? FIRST_LAYERS : []) {
      const path = join(base, 'answers', `${name}.toml`)
      await copyFile(programFile(`answers/${name}.toml`), path)
      made.push(path)
    }
  } catch (error) {
    const what = `the site file is written, and what it names is not: ${String(error)}`
    throw new EnvironmentProblem('init', what, 'make answers/ and isos/ beside it yourself')
  }
  if (missing.includes('isos')) made.push(`${join(base, 'isos')}/`)
  return made.map(path => relative(process.cwd(), path) + (path.endsWith('/') ? '/' : ''))
}

const text = (values: Values, name: string): string | undefined =>
  typeof values[name] === 'string' ? values[name] : undefined

/** Flags first, then what a person says, then what the host tells. A text says what is lacking. */
async function collect(
  values: Values,
  ask: Ask | undefined,
  { answers, isos }: { answers: string[]; isos: string | undefined },
): Promise<FirstSite | string> {
  const there = interfaces()
  const given = async (name: string, question: string, suggestion: string | undefined): Promise<string | undefined> =>
    text(values, name) ?? (ask ? await ask(question, suggestion) : suggestion)
  const lacking = (what: string): string => `${what}${ask ? '' : ', and there is no terminal to ask'}`
  const only = there.size === 1 ? [...there.keys()][0] : undefined
  const names = [...there].map(([name, address]) => `${name} ${address}`).join(', ')
  const device = await given(
    'interface',
    `Interface on the machines' network (${names || 'none has an address'})`,
    only,
  )
  if (device === undefined) return lacking('--interface is missing')
  const address = await given('address', 'Its address, with the length of the mask', there.get(device))
  if (address === undefined) {
    const isThere = networkInterfaces()[device] !== undefined
    const others = names === '' ? '' : ` (with an address there is ${names})`
    return lacking(
      `--address is missing, and ${isThere ? `${device} has none` : `there is no interface ${device} here`}${others}`,
    )
  }
  if (!parseInterfaceAddress(address)) return `--address ${address} needs the length of its mask, as 10.77.0.1/24`
  const domain = await given('domain', 'Domain of the machines, such as rack7.example.org', undefined)
  if (domain === undefined) return lacking('--domain is missing')
  const mode = values['proxy'] === true ? 'proxy' : 'server'
  const found = await gatewayOf(device)
  const said = await given('router', 'Default gateway of the machines, - for none', found ?? (ask ? '-' : undefined))
  const router = said === '-' || said === '' ? undefined : said
  const site = {
    ...({ domain, interface: device, address, mode, answers } as const),
    ...(isos === undefined ? {} : { isos }),
    ...(router === undefined ? {} : { router }),
  }
  if (mode === 'proxy') return site
  const pool = await given('pool', 'Addresses for machines', suggestPool(address, router ? [router] : []))
  return pool === undefined ? lacking('--pool is missing') : { ...site, pool }
}

function planOf({ domain, interface: device, address, mode, pool, router, answers }: FirstSite): string {
  const count = pool && poolSize(pool)
  return [
    `  domain     ${domain}`,
    `  interface  ${device}, ${address}`,
    `  dhcp       ${mode === 'proxy' ? 'proxy: another server gives the addresses' : `server, ${pool}${count ? ` (${count} addresses)` : ''}`}`,
    `  router     ${router ?? 'none'}`,
    `  profile    ${answers.length > 0 ? `pve, with ${answers.join(' + ')}` : 'none yet: there are no layers in answers/'}`,
  ].join('\n')
}

/** `wx`: a file that is there stays; with --force its content is kept beside it. */
async function write(file: string, content: string, force: boolean): Promise<string | undefined> {
  const before = force ? await readFile(file).catch(() => undefined) : undefined
  const kept = before && `${file}.before-init`
  try {
    await mkdir(dirname(file), { recursive: true })
    if (kept) {
      const copy = await open(kept, 'w')
      await copy.writeFile(before)
      await copy.close()
    }
    const handle = await open(file, force ? 'w' : 'wx')
    await handle.writeFile(content)
    await handle.close()
    return kept
  } catch (error) {
    const isThere = error instanceof Error && 'code' in error && error.code === 'EEXIST'
    throw new EnvironmentProblem(
      'init',
      isThere ? `${file} is there already` : `can't write ${file}: ${String(error)}`,
      isThere
        ? 'name another file with --config, or say --force: what it has is kept beside it'
        : 'name another file with --config',
    )
  }
}

const DISK_TO_LOOK_AT = '; ext4.toml names the disk that is erased: look whether it is yours'

function nextOf(file: string, { isos = 'isos', answers }: FirstSite): string {
  const layers =
    answers.length > 0 ? 'your SSH key into answers/base.toml' : `layers into answers/ and a profile into ${file}`
  return `Next: an ISO into ${isos}/, ${layers}, then \`rackrise check --config ${file}\``
}

async function make(file: string, values: Values, ask: Ask | undefined): Promise<ExitStatus> {
  const isos = resolve(file) === INSTALLED_CONFIG ? INSTALLED_ISOS : undefined
  const around = await lookAround(file, isos)
  const site = await collect(values, ask, { answers: around.layers, isos })
  if (typeof site === 'string') return usageError(initCommand, site)
  const content = firstSiteText(site)
  const parsed = parseSite(content, file, hostEnvironment())
  if ('problems' in parsed) {
    // The places are those of a file that is not there.
    complainOf(
      parsed.problems.map(({ place: _, ...problem }) => problem),
      values['json'] === true,
    )
    return 1
  }
  if (ask) complain(`\n${file} would say:\n${planOf(site)}`)
  if (ask && values['yes'] !== true && !/^y(es)?$/i.test(await ask('Write it?', 'yes'))) return 1
  const kept = await write(file, content, values['force'] === true)
  const made = await furnish(around)
  if (values['json'] === true) say(JSON.stringify({ file, ...(kept ? { kept } : {}), made, site }, null, 2))
  else {
    say(`wrote ${file}\n${planOf(site)}`)
    if (kept) say(`what was there before is in ${kept}`)
    if (made.length > 0) say(`made ${made.join(', ')}${around.missing.includes('answers') ? DISK_TO_LOOK_AT : ''}`)
    say(nextOf(file, site))
  }
  return 0
}

export const initCommand: Command = {
  name: 'init',
  summary: 'write a first site file: asks, or takes flags',
  usage: [
    'init [--interface NAME] [--address ADDRESS/LENGTH] [--domain DOMAIN] [--pool FIRST-LAST] [--router ADDRESS] [--proxy]',
  ],
  options: {
    interface: { type: 'string', value: 'NAME', help: "the interface on the machines' network" },
    address: {
      type: 'string',
      value: 'ADDRESS',
      help: 'its address with the length of the mask (default: its first one)',
    },
    domain: { type: 'string', value: 'DOMAIN', help: 'the domain of the machines' },
    pool: { type: 'string', value: 'FIRST-LAST', help: 'addresses for machines (default: a hundred free ones)' },
    router: {
      type: 'string',
      value: 'ADDRESS',
      help: 'default gateway, - for none (default: the one of the interface)',
    },
    proxy: { type: 'boolean', help: 'another DHCP server gives the addresses' },
    force: { type: 'boolean', help: 'replace a file that is there; it is kept beside the new one' },
    yes: { type: 'boolean', help: 'do not ask whether to write it' },
  },
  example: 'rackrise init --config /etc/rackrise/site.toml --interface eth1 --domain rack7.example.org',
  refusal: 'the file is there already, what was said makes no site, or nobody wanted it written',
  async run(positionals, values) {
    if (positionals.length > 0) return usageError(initCommand, `"${positionals[0]}" is too much`)
    const file = configFile(values)
    if (!process.stdin.isTTY || values['json'] === true) return make(file, values, undefined)
    const { ask, close } = asker()
    try {
      return await make(file, values, ask)
    } finally {
      close()
    }
  },
}
