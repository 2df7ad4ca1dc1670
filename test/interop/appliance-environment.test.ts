/** An environment that is not as it must be is one line that says what to do, exit status 1, and nothing left running. */
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { generate } from 'selfsigned'
import { ALL_ANSWER, answering } from './appliance-clients.ts'
import { ISO, LEVEL_ERROR, LEVEL_WARN, type Outcome, Rig, type SiteChange } from './appliance-rig.ts'

const LIMIT_MS = 30_000
/** Far above what a start takes; a process that goes on is killed then and has no exit status. */
const END_LIMIT_MS = 15_000
const NOBODY = ['setpriv', '--reuid', 'nobody', '--regid', 'nogroup', '--clear-groups', '--']

vi.setConfig({ testTimeout: LIMIT_MS, hookTimeout: LIMIT_MS })

let rig: Rig
let states = 0

beforeAll(async () => {
  rig = await Rig.open('env')
})

afterAll(() => rig.close())

function freshState(): string {
  return rig.path(`state-${++states}`)
}

function serve(change: SiteChange, prefix: string[] = []): Promise<Outcome> {
  return rig.run(
    'appliance',
    [...prefix, ...rig.serveCommand(rig.site({ state: freshState(), ...change }))],
    END_LIMIT_MS,
  )
}

function refused(line: string | RegExp): unknown {
  const expected = typeof line === 'string' ? `rackrise serve: error: ${line}\n` : expect.stringMatching(line)
  return { status: 1, stdout: expect.not.stringContaining('is serving'), stderr: expected }
}

/** A process that holds ports, until it is killed. */
async function holding(...ports: [kind: 'udp' | 'tcp', address: string, port: number][]): Promise<() => Promise<void>> {
  const lines = ports.map(([kind, address, port]) =>
    kind === 'udp'
      ? `require('node:dgram').createSocket('udp4').bind(${port}, '${address}')`
      : `require('node:net').createServer().listen(${port}, '${address}')`,
  )
  const holder = rig.spawn('appliance', [
    process.execPath,
    '-e',
    `${lines.join(';')};setTimeout(() => console.log('held'), 200)`,
  ])
  await holder.untilSaid('held')
  return () => holder.kill()
}

describe('ports', () => {
  test('three that are taken are all named, in one line', async () => {
    const release = await holding(['udp', '0.0.0.0', 67], ['udp', '10.77.0.1', 53], ['tcp', '0.0.0.0', 80])
    const outcome = await serve({})
    await release()
    expect(outcome).toEqual(
      refused(
        "can't listen on udp 0.0.0.0:67, udp 10.77.0.1:53 and tcp 10.77.0.1:80 of eth1: the port is taken; see which process holds it with `ss -lnup` or `ss -lntp`, and stop it",
      ),
    )
  })

  test('one that is taken leaves none of the others open', async () => {
    const release = await holding(['tcp', '10.77.0.1', 443])
    const outcome = await serve({})
    await release()
    expect(outcome).toEqual(
      refused(/^rackrise serve: error: can't listen on tcp 10\.77\.0\.1:443 of eth1: the port is taken; [^\n]+\n$/),
    )
    expect((await rig.run('appliance', ['ss', '-Hlntu'])).stdout).toBe('')
  })

  test('without the right to open them', async () => {
    const state = freshState()
    mkdirSync(state)
    await rig.run('appliance', ['chown', 'nobody', state])
    const outcome = await serve({ state }, NOBODY)
    expect(outcome).toEqual(
      refused(
        /^rackrise serve: error: can't listen on [^\n]+: not permitted; run as root, through the systemd units, or grant [^\n]+\n$/,
      ),
    )
  })
})

describe('the network', () => {
  test('an interface that does not exist', async () => {
    const outcome = await serve({ network: 'interface = "eth9"\naddress = "10.77.0.1/24"' })
    expect(outcome).toEqual(
      refused('there is no interface eth9; see `ip link` for the names, and set network.interface'),
    )
  })

  test('an address that is not there', async () => {
    const outcome = await serve({ network: 'interface = "eth1"\naddress = "10.77.0.7/24"' })
    expect(outcome).toEqual(
      refused(
        'eth1 does not have the address 10.77.0.7 (it has 10.77.0.1); see `ip -4 address`, and set network.address',
      ),
    )
  })

  test('an address that another interface has', async () => {
    const outcome = await serve({ network: 'interface = "eth2"\naddress = "10.77.0.1/24"' })
    expect(outcome).toEqual(
      refused(
        'eth2 does not have the address 10.77.0.1 (it has 10.78.0.1); see `ip -4 address`, and set network.address',
      ),
    )
  })
})

describe.concurrent('folders and files', () => {
  test('loaders that are missing', async () => {
    const loaders = rig.path('no-loaders')
    mkdirSync(loaders)
    writeFileSync(rig.path('no-loaders', 'snponly.efi'), 'x')
    expect(await serve({ loaders })).toEqual(
      refused(
        `${loaders} has no undionly.kpxe; install them with \`apt-get install ipxe\`, or set boot.loaders to a folder that has them`,
      ),
    )
  })

  test('a state folder that this user may not write', async () => {
    const state = freshState()
    mkdirSync(state, { mode: 0o755 })
    const outcome = await serve({ state }, NOBODY)
    expect(outcome).toEqual(
      refused(
        new RegExp(`^rackrise serve: error: [^\\n]*${state}[^\\n]*; see paths\\.state and who owns that folder\\n$`),
      ),
    )
  })

  test('a state folder below a file', async () => {
    writeFileSync(rig.path('file'), '')
    const state = rig.path('file', 'state')
    const outcome = await serve({ state })
    expect(outcome).toEqual(
      refused(
        new RegExp(
          `^rackrise serve: error: can't make the state folder ${state}: [^\\n]+; set paths\\.state to a folder that this user may write\\n$`,
        ),
      ),
    )
  })

  test('a state folder with a path that is too long for its control socket', async () => {
    const outcome = await serve({ state: rig.path('long'.repeat(30)) })
    expect(outcome).toEqual(
      refused(
        /^rackrise serve: error: can't listen on [^\n]+control\.sock: [^\n]+; set paths\.state to a shorter path [^\n]+\n$/,
      ),
    )
  })

  test('a database that is none', async () => {
    const state = freshState()
    mkdirSync(state)
    writeFileSync(`${state}/state.sqlite`, Buffer.alloc(8192, 'rackrise'))
    expect(await serve({ state })).toEqual(
      refused(
        new RegExp(`^rackrise serve: error: can't open the database ${state}/state\\.sqlite: [^\\n]+; [^\\n]+\\n$`),
      ),
    )
  })

  test.each([['cut short', Buffer.alloc(31, 7)]])('a secret key that is %s', async (_, bytes) => {
    const state = freshState()
    // A key without a database is another trouble.
    await rig.cli(rig.site({ state }), 'machine', 'list')
    writeFileSync(`${state}/secret.key`, bytes)
    const outcome = await serve({ state })
    expect(outcome).toEqual(
      refused(
        `${state}/secret.key is damaged: ${bytes.length} bytes instead of 32; restore it from a backup; without it running attempts are lost, so delete it only if there are none`,
      ),
    )
    expect(readFileSync(`${state}/secret.key`).equals(bytes)).toBe(true)
  })
})

describe.concurrent('the certificate', () => {
  const pair = (certificate: string, key: string): SiteChange => {
    const [cert, secret] = [rig.path(`cert-${++states}.pem`), rig.path(`key-${states}.pem`)]
    writeFileSync(cert, certificate)
    writeFileSync(secret, key, { mode: 0o600 })
    return { more: `[http]\ncertificate-file = "${cert}"\nkey-file = "${secret}"\n` }
  }
  const make = async (): Promise<{ cert: string; private: string }> =>
    generate([{ name: 'commonName', value: 'rack-7' }], { keyType: 'ec', curve: 'P-256' })
  const LINE =
    /^rackrise serve: error: can't use the certificate [^\n]+cert-\d+\.pem: [^\n]+; see http\.certificate-file and http\.key-file: [^\n]+\n$/

  test('is no certificate', async () => {
    expect(await serve(pair('garbage\n', (await make()).private))).toEqual(refused(LINE))
  })

  test('has a key that is no key', async () => {
    expect(await serve(pair((await make()).cert, 'garbage\n'))).toEqual(refused(LINE))
  })

  test('has the key of another one', async () => {
    expect(await serve(pair((await make()).cert, (await make()).private))).toEqual(refused(LINE))
  })

  test('that was kept is damaged', async () => {
    const state = freshState()
    mkdirSync(state)
    for (const name of ['tls-certificate.pem', 'tls-key.pem']) writeFileSync(`${state}/${name}`, 'garbage\n')
    expect(await serve({ state })).toEqual(
      refused(
        new RegExp(`^rackrise serve: error: can't use the certificate ${state}/tls-certificate\\.pem: [^\\n]+\\n$`),
      ),
    )
  })
})

describe.concurrent('what this version lacks', () => {
  test('store.url = PostgreSQL', async () => {
    expect(await serve({ more: '[store]\nurl = "postgres://rackrise@db/rackrise"\n' })).toEqual(
      refused('store.url names PostgreSQL, which is not available in this version; set store.url to "sqlite"'),
    )
  })
})

describe.concurrent('the site file', () => {
  test('every problem is told, with file, line and column, in their order', async () => {
    const site = rig.site({
      more: '[http]\nprot = 81\ntls-port = "https"\n[[machine]]\nname = "node1"\nmac = ["52:54:00:77:00:zz"]\nprofile = "pve"\n',
    })
    const lines = readFileSync(site, 'utf8').split('\n')
    const at = (text: string, from = 0): number =>
      lines.findIndex((line, index) => index >= from && line.startsWith(text)) + 1
    const outcome = await rig.run('appliance', rig.serveCommand(site), END_LIMIT_MS)
    expect([outcome.status, outcome.stdout]).toEqual([1, ''])
    const second = at('[http]')
    const places = outcome.stderr
      .trim()
      .split('\n')
      .map(line => /^(.+):(\d+):(\d+): error: .+; .+$/.exec(line)?.slice(1))
    expect(places).toEqual([
      [site, String(at('prot')), '1'],
      [site, String(at('tls-port')), expect.stringMatching(/^\d+$/)],
      [site, String(at('name = "node1"', second)), expect.any(String)],
      [site, String(at('mac', second)), expect.any(String)],
    ])
  })

  test.each([['that is no TOML', '[site\n', /^.+:1:\d+: error: .+\n$/]])('one %s', async (_, text, expected) => {
    const site = rig.path(`broken-${++states}.toml`)
    writeFileSync(site, text)
    const outcome = await rig.run('appliance', rig.serveCommand(site), END_LIMIT_MS)
    expect(outcome).toEqual({ status: 1, stdout: '', stderr: expect.stringMatching(expected) })
  })
})

test(
  'images that cannot be used are a warning each, and the others work',
  async () => {
    const isos = rig.path('mixed-isos')
    mkdirSync(isos)
    const good = readFileSync(rig.path('isos', ISO))
    writeFileSync(`${isos}/${ISO}`, good)
    writeFileSync(`${isos}/proxmox-ve_9.3-1.iso`, good.subarray(0, good.length / 2))
    writeFileSync(`${isos}/noise.iso`, Buffer.alloc(100_000, 'noise'))
    writeFileSync(`${isos}/empty.iso`, '')
    mkdirSync(`${isos}/folder.iso`)
    symlinkSync('/nowhere', `${isos}/gone.iso`)
    const site = rig.site({ isos })
    const appliance = await rig.serve(site)
    expect(await answering(rig, site)).toEqual(ALL_ANSWER)
    const warnings = appliance.log().filter(({ level }) => level === LEVEL_WARN)
    for (const name of ['proxmox-ve_9.3-1.iso', 'noise.iso', 'empty.iso', 'folder.iso', 'gone.iso']) {
      expect(
        warnings.some(line => JSON.stringify(line).includes(`${isos}/${name}`)),
        name,
      ).toBe(true)
    }
    expect(appliance.log().filter(({ level }) => level >= LEVEL_ERROR)).toEqual([])
    await appliance.kill()
  },
  LIMIT_MS,
)

test(
  'a second appliance with the same state says so, and the first goes on',
  async () => {
    const site = rig.site({ state: rig.path('state-shared') })
    const first = await rig.serve(site)
    const second = await rig.run('appliance', rig.serveCommand(site), END_LIMIT_MS)
    expect(second).toEqual(
      refused(
        `an appliance with the state folder ${rig.path('state-shared')} is running; stop it first, or set another paths.state`,
      ),
    )
    expect((await rig.cli(site, 'machine', 'list')).stdout).toContain('node1')
    await first.kill()
    // What a killed one leaves behind is in nobody's way.
    const third = await rig.serve(site)
    await third.kill()
  },
  LIMIT_MS,
)
