/** One certificate for everybody, and never another one for who was told the first: on a fake clock, over real TLS and real files. */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, createServer, type Server } from 'node:tls'
import fc from 'fast-check'
import { generate } from 'selfsigned'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { BEFORE_END_MS } from '../../services/http/certificate.ts'
import { ServedCertificate, TLS_CONTEXT, TOLD_MS, WAITS_LONG_MS } from '../../services/http/served-certificate.ts'
import { OVER_AFTER_MS } from '../../services/http/still-coming.ts'
import { Alarms } from '../../services/kit/alarms.ts'
import type { AttemptId, Fact } from '../../services/machine/event.ts'
import type { Site } from '../../services/site/types.ts'
import { Fleet, NODE1, siteOf } from '../machine/rig.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rackrise-served-'))
})
afterEach(() => rm(folder, { recursive: true }))

type Pair = { cert: string; key: string; fingerprint: string }
/** Three certificates of the site's own, as a renewal by somebody else makes them. */
let pairs: Pair[]
beforeAll(async () => {
  pairs = await Promise.all(
    ['a', 'b', 'c'].map(async value => {
      const made = await generate([{ name: 'commonName', value }], {
        keyType: 'ec',
        curve: 'P-256',
        notBeforeDate: new Date(Date.UTC(2025, 0, 1)),
        notAfterDate: new Date(Date.UTC(2030, 0, 1)),
      })
      return { cert: made.cert, key: made.private, fingerprint: made.fingerprint.replaceAll(':', '').toUpperCase() }
    }),
  )
  for (const pair of pairs) {
    const der = Buffer.from(pair.cert.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64')
    pair.fingerprint = createHash('sha256').update(der).digest('hex').toUpperCase()
  }
})

class Bench {
  readonly fleet: Fleet
  readonly alarms: Alarms
  served!: ServedCertificate
  #server: Server | undefined

  constructor(fleet: Fleet) {
    this.fleet = fleet
    this.alarms = new Alarms(fleet.clock)
  }

  static async open(how: { own?: boolean; proxy?: boolean } = {}): Promise<Bench> {
    const listed = siteOf()
    const files = { certificateFile: join(folder, 'own.pem'), keyFile: join(folder, 'own.key') }
    const site: Site = {
      ...listed,
      paths: { ...listed.paths, state: folder },
      http: { ...listed.http, ...(how.own ? files : {}) },
      dhcp: { ...listed.dhcp, mode: how.proxy ? 'proxy' : 'server' },
    }
    const bench = new Bench(await Fleet.open(site))
    if (how.own) await bench.install(pairs[0]!)
    await bench.start()
    return bench
  }

  async start(): Promise<void> {
    const { site, clock, log } = this.fleet
    this.served = await ServedCertificate.open({ site, clock, log, alarms: this.alarms })
  }

  /** The process is killed; another one begins. */
  async restart(): Promise<void> {
    await this.fleet.restart()
    await this.start()
    await this.look()
  }

  async install({ cert, key }: Pick<Pair, 'cert' | 'key'>): Promise<void> {
    await writeFile(join(folder, 'own.key'), key, { mode: 0o600 })
    await writeFile(join(folder, 'own.pem'), cert)
  }

  look(): Promise<void> {
    return this.served.look(() => this.fleet.registry.machines())
  }

  get fingerprint(): string {
    return this.served.current.fingerprint
  }

  alarmsThatLast(): string[] {
    return this.alarms.list().flatMap(({ code, endedAt }) => (endedAt === undefined ? [code] : []))
  }

  async approve(): Promise<AttemptId> {
    const attempt = await this.fleet.registry.startAttempt(this.fleet.machine(NODE1), { by: 'operator', again: true })
    if (typeof attempt !== 'string') throw new Error(attempt.message)
    return attempt
  }

  async boot(): Promise<void> {
    const attempt = await this.approve()
    await this.happen({ type: 'script-served', attempt, address: '10.77.0.11' as never, resumed: false })
  }

  async answer(): Promise<void> {
    const { attempt } = this.fleet.machine(NODE1)
    await this.happen({
      type: 'answer-served',
      attempt: attempt!.id,
      address: '10.77.0.11',
      layers: [],
      sha256: '',
      leftOut: [],
      withToken: true,
    })
  }

  async report(): Promise<void> {
    await this.happen({ type: 'reported', attempt: this.fleet.machine(NODE1).attempt!.id, installed: {} })
  }

  async happen(...facts: Fact[]): Promise<void> {
    await this.fleet.happen(NODE1, ...facts)
  }

  /** What a client on the wire sees. */
  async onTheWire(): Promise<string> {
    if (!this.#server) {
      const { cert, key } = this.served.current
      this.#server = createServer({ ...TLS_CONTEXT, cert, key }, socket => socket.end())
      this.served.serveWith(this.#server)
      this.#server.listen(0, '127.0.0.1')
      await once(this.#server, 'listening')
    }
    const { port } = this.#server.address() as AddressInfo
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false })
    await once(socket, 'secureConnect')
    const { raw } = socket.getPeerCertificate()
    socket.destroy()
    return createHash('sha256').update(raw).digest('hex').toUpperCase()
  }

  close(): void {
    this.#server?.close()
  }
}

describe('H27 a renewal', () => {
  test('while nobody installs counts at once, for what is told and for what is served', async () => {
    const bench = await Bench.open()
    const first = bench.fingerprint
    expect(await bench.onTheWire()).toBe(first)
    bench.fleet.clock.advance(bench.served.current.notAfter.getTime() - BEFORE_END_MS + 1000 - bench.fleet.clock.now())
    await bench.look()
    expect(bench.fingerprint).not.toBe(first)
    expect([bench.served.tell(), await bench.onTheWire()]).toEqual([bench.fingerprint, bench.fingerprint])
    expect(((await stat(join(folder, 'tls-served.pem'))).mode & 0o777).toString(8)).toBe('600')
    bench.close()
  })

  test('waits for a machine from its boot script to its report', async () => {
    const bench = await Bench.open({ own: true })
    const [first, second] = [pairs[0]!.fingerprint, pairs[1]!.fingerprint]
    await bench.boot()
    expect(bench.served.tell()).toBe(first)
    await bench.install(pairs[1]!)
    await bench.look()
    expect([bench.served.tell(), await bench.onTheWire()]).toEqual([first, first])
    await bench.answer()
    bench.fleet.clock.advance(10 * 60_000)
    await bench.look()
    expect([bench.served.tell(), await bench.onTheWire()]).toEqual([first, first])
    await bench.report()
    bench.fleet.clock.advance(TOLD_MS)
    await bench.look()
    expect([bench.served.tell(), await bench.onTheWire()]).toEqual([second, second])
    bench.close()
  })

  test('waits over a restart, too', async () => {
    const bench = await Bench.open({ own: true })
    await bench.boot()
    await bench.install(pairs[1]!)
    await bench.restart()
    expect(bench.fingerprint).toBe(pairs[0]!.fingerprint)
    await bench.answer()
    await bench.report()
    await bench.restart()
    expect(bench.fingerprint).toBe(pairs[1]!.fingerprint)
  })

  test('that is written down and then interrupted has not happened', async () => {
    const bench = await Bench.open({ own: true })
    await writeFile(join(folder, 'tls-served.pem.new'), 'half of a ')
    await bench.boot()
    await bench.install(pairs[1]!)
    await bench.restart()
    expect(bench.fingerprint).toBe(pairs[0]!.fingerprint)
  })

  test('whoever is told while the new one is being written down still meets the old one', async () => {
    const bench = await Bench.open({ own: true })
    await bench.install(pairs[1]!)
    const looking = bench.served.look(() => bench.fleet.registry.machines())
    const told = bench.served.tell()
    await looking
    expect([told, bench.fingerprint]).toEqual([pairs[0]!.fingerprint, pairs[0]!.fingerprint])
    bench.fleet.clock.advance(TOLD_MS)
    await bench.look()
    expect(bench.fingerprint).toBe(pairs[1]!.fingerprint)
  })

  test('where another server gives the addresses, who asks DNS without an attempt has two minutes to come', async () => {
    const bench = await Bench.open({ own: true, proxy: true })
    await bench.install(pairs[1]!)
    // Somebody may have been told before this start.
    await bench.look()
    expect(bench.fingerprint).toBe(pairs[0]!.fingerprint)
    bench.fleet.clock.advance(TOLD_MS - 1)
    bench.served.tell()
    bench.fleet.clock.advance(TOLD_MS - 1)
    await bench.look()
    expect(bench.fingerprint).toBe(pairs[0]!.fingerprint)
    bench.fleet.clock.advance(1)
    await bench.look()
    expect(bench.fingerprint).toBe(pairs[1]!.fingerprint)
  })

  test.each<[string, (bench: Bench) => Promise<void>]>([
    ['failed', async bench => bench.happen({ type: 'gave-up', attempt: attemptOf(bench), reason: 'x' })],
    [
      'stalled',
      async bench => bench.happen({ type: 'stalled', attempt: attemptOf(bench), silentSeconds: 9, stage: 'x' }),
    ],
    ['was blocked', async bench => bench.happen({ type: 'blocked' })],
    [
      'ended by inference',
      async bench => bench.happen({ type: 'installation-inferred', attempt: attemptOf(bench), evidence: 'x' }),
    ],
  ])('waits a day for a machine that %s', async (_, end) => {
    const bench = await Bench.open({ own: true })
    await bench.boot()
    await bench.answer()
    await end(bench)
    await bench.install(pairs[1]!)
    bench.fleet.clock.advance(OVER_AFTER_MS - 1)
    await bench.look()
    expect(bench.fingerprint).toBe(pairs[0]!.fingerprint)
    bench.fleet.clock.advance(1)
    await bench.look()
    expect(bench.fingerprint).toBe(pairs[1]!.fingerprint)
  })

  test('that never finds a moment is an alarm after a day, which names a machine', async () => {
    const bench = await Bench.open({ own: true })
    await bench.install(pairs[1]!)
    await bench.boot()
    await bench.look()
    bench.fleet.clock.advance(WAITS_LONG_MS - 2000)
    await bench.boot()
    await bench.look()
    expect(bench.alarmsThatLast()).toEqual([])
    bench.fleet.clock.advance(2000)
    await bench.look()
    expect(bench.alarmsThatLast()).toEqual(['certificate-waits'])
    expect(bench.alarms.list()[0]?.message).toContain(NODE1)
    bench.fleet.clock.advance(OVER_AFTER_MS)
    await bench.look()
    expect([bench.fingerprint, bench.alarmsThatLast()]).toEqual([pairs[1]!.fingerprint, []])
  })

  test('of which only the chain is new disturbs nobody', async () => {
    const bench = await Bench.open({ own: true })
    await bench.boot()
    await bench.install({ ...pairs[0]!, cert: `${pairs[0]!.cert}\n${pairs[1]!.cert}` })
    await bench.look()
    expect([bench.fingerprint, bench.served.current.cert.includes(pairs[1]!.cert.trim())]).toEqual([
      pairs[0]!.fingerprint,
      true,
    ])
  })
})

function attemptOf(bench: Bench): AttemptId {
  return bench.fleet.machine(NODE1).attempt!.id
}

describe('the site’s own files while the appliance runs', () => {
  test('half replaced they are an alarm, and the old certificate stays; whole they count', async () => {
    const bench = await Bench.open({ own: true })
    await writeFile(join(folder, 'own.key'), pairs[1]!.key)
    await bench.look()
    expect([bench.fingerprint, bench.alarmsThatLast()]).toEqual([pairs[0]!.fingerprint, ['certificate']])
    await writeFile(join(folder, 'own.pem'), pairs[1]!.cert)
    await bench.look()
    expect([bench.fingerprint, bench.alarmsThatLast()]).toEqual([pairs[1]!.fingerprint, []])
  })

  test('M05 a key that others can read by now is an alarm, and is not taken over, until its mode is mended', async () => {
    const bench = await Bench.open({ own: true })
    await bench.install(pairs[1]!)
    await chmod(join(folder, 'own.key'), 0o640)
    await bench.look()
    expect([bench.fingerprint, bench.alarmsThatLast()]).toEqual([pairs[0]!.fingerprint, ['certificate']])
    expect(JSON.stringify(bench.fleet.log.lines)).not.toContain('PRIVATE KEY')
    await chmod(join(folder, 'own.key'), 0o600)
    await bench.look()
    expect([bench.fingerprint, bench.alarmsThatLast()]).toEqual([pairs[1]!.fingerprint, []])
  })

  test('their end is told a month ahead, and again when it has come; their renewal ends the alarm', async () => {
    const bench = await Bench.open({ own: true })
    bench.fleet.clock.advance(Date.UTC(2029, 11, 20) - bench.fleet.clock.now())
    await bench.look()
    expect(bench.alarmsThatLast()).toEqual(['certificate-expires'])
    bench.fleet.clock.advance(30 * 86_400_000)
    await bench.look()
    expect(bench.alarmsThatLast()).toEqual(['certificate-expired'])
    const made = await generate([{ name: 'commonName', value: 'd' }], {
      keyType: 'ec',
      curve: 'P-256',
      notAfterDate: new Date(Date.UTC(2040, 0, 1)),
    })
    await bench.install({ cert: made.cert, key: made.private })
    await bench.look()
    expect(bench.alarmsThatLast()).toEqual([])
  })

  test('the copy of what is served holds the key, and is read back whole', async () => {
    await Bench.open({ own: true })
    const text = await readFile(join(folder, 'tls-served.pem'), 'utf8')
    expect(text).toBe(`${pairs[0]!.key.trim()}\n${pairs[0]!.cert.trim()}\n`)
  })
})

test('H27 property: whatever happens in whatever order, who was told a fingerprint meets that certificate until its report', async () => {
  const step = fc.oneof(
    fc.constantFrom('boot', 'answer', 'report', 'look', 'restart', 'tell', 'minute', 'hours').map(what => ({ what })),
    fc.integer({ min: 0, max: 2 }).map(pair => ({ what: 'replace', pair })),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async steps => {
      const bench = await Bench.open({ own: true })
      await rm(join(folder, 'tls-served.pem'))
      await bench.restart()
      let told: string | undefined
      for (const { what, ...more } of steps) {
        const { state } = bench.fleet.machine(NODE1)
        if (what === 'boot') {
          await bench.boot()
          told = bench.served.tell()
        } else if (what === 'answer' && state === 'booting') await bench.answer()
        else if (what === 'report' && state === 'installing') {
          await bench.report()
          told = undefined
        } else if (what === 'look') await bench.look()
        else if (what === 'restart') await bench.restart()
        else if (what === 'tell' && told !== undefined) expect(bench.served.tell()).toBe(told)
        else if (what === 'minute') bench.fleet.clock.advance(60_000)
        else if (what === 'hours') bench.fleet.clock.advance(7 * 3_600_000)
        else if (what === 'replace') await bench.install(pairs[(more as { pair: number }).pair]!)
        // A machine that said nothing for a day does not come any more.
        const { lastEventAt } = bench.fleet.machine(NODE1)
        if (bench.fleet.clock.now() - lastEventAt >= OVER_AFTER_MS) told = undefined
        if (told !== undefined) expect(bench.fingerprint).toBe(told)
      }
    }),
    { numRuns: 30 },
  )
})
