/** `rackrise init`: asks for what nobody can guess, or takes flags, and writes a first site file. */
import { copyFile, mkdir, open, readFile } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { type Ipv4, ipv4FromBytes, parseInterfaceAddress } from '../kit/ipv4.ts'
import { EnvironmentProblem } from '../kit/problem.ts'
import { programFile } from '../kit/program-files.ts'
import { type FirstSite, firstSiteText, poolSize, suggestPool } from '../site/first-site.ts'
import { hostEnvironment } from '../site/load.ts'
import { parseSite } from '../site/parse.ts'
import { baseFolder } from '../site/resolve.ts'
import { type Ask, openQuestions, type Question } from './ask.ts'
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
import { columns } from './table.ts'

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

/** In the place of what is not said yet, so that the reader of site files can judge what is. */
const STAND_IN: FirstSite = {
  domain: 'rack.test',
  interface: 'eth1',
  address: '10.77.0.1/24',
  mode: 'server',
  answers: [],
}

/** What the reader of site files finds first, as a line. */
function problemOf(said: Partial<FirstSite>): string | undefined {
  const parsed = parseSite(firstSiteText({ ...STAND_IN, ...said }), 'site.toml', hostEnvironment())
  const first = 'problems' in parsed ? parsed.problems.find(({ severity }) => severity === 'error') : undefined
  return first && `${first.message}; ${first.hint}`
}

/** A flag may name one that comes later; what is typed is more likely a slip. */
function interfaceProblem(name: string, flag: string | undefined): string | undefined {
  const problem = problemOf({ interface: name })
  if (problem !== undefined || name === flag || networkInterfaces()[name] !== undefined) return problem
  return `there is no interface ${name} here; for one that comes later say --interface ${name}`
}

const isNone = (router: string): boolean => router === '-' || router === ''

function addressLacks(device: string, there: ReadonlyMap<string, string>): string {
  const isThere = networkInterfaces()[device] !== undefined
  const names = [...there].map(([name, address]) => `${name} ${address}`).join(', ')
  const others = names === '' ? '' : ` (with an address there is ${names})`
  return `--address is missing, and ${isThere ? `${device} has none` : `there is no interface ${device} here`}${others}`
}

/** Flags first, then what a person says, then what the host tells. A text says what is lacking. */
async function collect(
  values: Values,
  ask: Ask | undefined,
  { answers, isos }: { answers: string[]; isos: string | undefined },
): Promise<FirstSite | string> {
  const there = interfaces()
  const given = async (name: string, question: Omit<Question, 'said'>): Promise<string | undefined> => {
    const said = text(values, name)
    return ask ? ask({ ...question, said }) : (said ?? question.suggestion)
  }
  const lacking = (what: string): string => `${what}, and there is no terminal to ask`
  const flag = text(values, 'interface')
  if (ask && flag === undefined && there.size > 0)
    complain(['Interfaces with an address:', ...columns([...there]).map(row => `  ${row}`)].join('\n'))
  const device = await given('interface', {
    text: `Interface on the machines' network${there.size === 0 ? ' (none has an address)' : ''}`,
    suggestion: there.size === 1 ? [...there.keys()][0] : undefined,
    wrong: name => interfaceProblem(name, flag),
  })
  if (device === undefined) return lacking('--interface is missing')
  const address = await given('address', {
    text: 'Its address, with the length of the mask',
    suggestion: there.get(device),
    wrong: said => problemOf({ address: said }),
  })
  if (address === undefined) return lacking(addressLacks(device, there))
  if (!parseInterfaceAddress(address)) return `--address ${address} needs the length of its mask, as 10.77.0.1/24`
  const domain = await given('domain', {
    text: 'Domain of the machines, such as rack7.example.org',
    wrong: said => problemOf({ domain: said }),
  })
  if (domain === undefined) return lacking('--domain is missing')
  const mode = values['proxy'] === true ? 'proxy' : 'server'
  const known = { domain, interface: device, address, mode, answers, ...(isos === undefined ? {} : { isos }) } as const
  const found = await gatewayOf(device)
  const said = await given('router', {
    text: 'Default gateway of the machines, - for none',
    suggestion: found ?? (ask ? '-' : undefined),
    wrong: router => (isNone(router) ? undefined : problemOf({ ...known, router })),
  })
  const site = said === undefined || isNone(said) ? known : { ...known, router: said }
  if (mode === 'proxy') return site
  const pool = await given('pool', {
    text: 'Addresses for machines',
    suggestion: suggestPool(address, 'router' in site ? [site.router] : []),
    wrong: range => problemOf({ ...site, pool: range }),
  })
  return pool === undefined ? lacking('--pool is missing') : { ...site, pool }
}

const YES_OR_NO = /^(y|yes|n|no)$/i

async function isWanted(ask: Ask): Promise<boolean> {
  const wrong = (said: string): string | undefined => (YES_OR_NO.test(said) ? undefined : 'say yes or no')
  if (/^y/i.test(await ask({ text: 'Write it?', suggestion: 'yes', wrong }))) return true
  complain('nothing was written')
  return false
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
  if (ask && values['yes'] !== true && !(await isWanted(ask))) return 1
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
    const { ask, close } = openQuestions('init')
    try {
      return await make(file, values, ask)
    } finally {
      close()
    }
  },
}
