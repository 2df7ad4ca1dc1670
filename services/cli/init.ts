/** `rackrise init`: asks for what nobody can guess, or takes flags, and writes a first site file. */
import { mkdir, open, readFile, stat } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { type Ipv4, ipv4FromBytes } from '../kit/ipv4.ts'
import { EnvironmentProblem } from '../kit/problem.ts'
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

/** Layers of the folder that go together, as the shipped ones do. */
async function layersBeside(file: string): Promise<string[]> {
  const folder = join(baseFolder(file, process.cwd()), 'answers')
  const found = await Promise.all(
    ['base', 'ext4'].map(name =>
      stat(join(folder, `${name}.toml`)).then(
        () => name,
        () => undefined,
      ),
    ),
  )
  return found.filter(name => name !== undefined)
}

const text = (values: Values, name: string): string | undefined =>
  typeof values[name] === 'string' ? values[name] : undefined

/** Flags first, then what a person says, then what the host tells. Undefined: something is missing, and nobody can be asked. */
async function collect(file: string, values: Values, ask: Ask | undefined): Promise<FirstSite | string> {
  const there = interfaces()
  const given = async (name: string, question: string, suggestion: string | undefined): Promise<string | undefined> =>
    text(values, name) ?? (ask ? await ask(question, suggestion) : suggestion)
  const only = there.size === 1 ? [...there.keys()][0] : undefined
  const names = [...there].map(([name, address]) => `${name} ${address}`).join(', ')
  const device = await given(
    'interface',
    `Interface on the machines' network (${names || 'none has an address'})`,
    only,
  )
  if (device === undefined) return '--interface is missing'
  const address = await given('address', 'Its address, with the length of the mask', there.get(device))
  if (address === undefined) return `--address is missing, and ${device} has none`
  const domain = await given('domain', 'Domain of the machines, such as rack7.example.org', undefined)
  if (domain === undefined) return '--domain is missing'
  const mode = values['proxy'] === true ? 'proxy' : 'server'
  const found = await gatewayOf(device)
  const said = await given('router', 'Default gateway of the machines, - for none', found ?? (ask ? '-' : undefined))
  const router = said === '-' || said === '' ? undefined : said
  const answers = await layersBeside(file)
  const isos = resolve(file) === INSTALLED_CONFIG ? { isos: INSTALLED_ISOS } : {}
  const site = { domain, interface: device, address, mode, answers, ...isos, ...(router ? { router } : {}) } as const
  if (mode === 'proxy') return site
  const pool = await given('pool', 'Addresses for machines', suggestPool(address, router ? [router] : []))
  return pool === undefined ? '--pool is missing' : { ...site, pool }
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
  await mkdir(dirname(file), { recursive: true })
  const before = force ? await readFile(file).catch(() => undefined) : undefined
  const kept = before && `${file}.before-init`
  try {
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

async function make(file: string, values: Values, ask: Ask | undefined): Promise<ExitStatus> {
  const site = await collect(file, values, ask)
  if (typeof site === 'string') return usageError(initCommand, `${site}, and there is no terminal to ask`)
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
  if (values['json'] === true) say(JSON.stringify({ file, ...(kept ? { kept } : {}), site }, null, 2))
  else {
    say(`wrote ${file}\n${planOf(site)}`)
    if (kept) say(`what was there before is in ${kept}`)
    say(
      `Next: an ISO into ${site.isos ?? 'isos'}/, your SSH key into answers/base.toml, then \`rackrise check --config ${file}\``,
    )
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
