/** What stands around the appliance goes wrong: its ISO is replaced, its upstream resolvers are dead, thousands hold connections, its certificate has ended. */
import { createHash, randomBytes, X509Certificate } from 'node:crypto'
import {
  copyFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { generate } from 'selfsigned'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ALL_ANSWER, answering, curl, dhclient, dig, tftp, udhcpc } from './appliance-clients.ts'
import { answerUrl, attemptIn, bootScript, askAnswer } from './appliance-install.ts'
import { ISO, LOADER_BYTES, NODE1_ADDRESS, OFFICE_ADDRESS, Rig, type Running, until } from './appliance-rig.ts'

const LIMIT_MS = 120_000
const ISO_BYTES = 48 * 1024 * 1024
const SLOWLY = ['--limit-rate', '6M']
/** In the office's network, and nobody's. */
const BLACKHOLE = '10.78.0.77'
const NOTICED_MS = 45_000

let rig: Rig
let site: string
let appliance: Running
let image: Buffer

const sleep = (ms: number): Promise<void> => new Promise(wake => setTimeout(wake, ms))
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

beforeAll(async () => {
  rig = await Rig.open('around')
  truncateSync(rig.path('isos', ISO), ISO_BYTES)
  image = readFileSync(rig.path('isos', ISO))
  const certificate = await generate([{ name: 'commonName', value: 'rack-7' }], {
    ...{ keyType: 'ec', curve: 'P-256' },
    notBeforeDate: new Date('2020-01-01'),
    notAfterDate: new Date('2021-01-01'),
  })
  const [cert, key] = [rig.path('cert.pem'), rig.path('key.pem')]
  writeFileSync(cert, certificate.cert)
  writeFileSync(key, certificate.private, { mode: 0o600 })
  site = rig.site({
    more: `[dns]\nforward = ["${BLACKHOLE}", "${OFFICE_ADDRESS}"]\n[http]\ncertificate-file = "${cert}"\nkey-file = "${key}"\n`,
  })
  appliance = rig.spawn('appliance', ['prlimit', '--nofile=8192', ...rig.serveCommand(site)])
  await appliance.untilSaid('is serving')
  await dhclient(rig, 'rack')
}, LIMIT_MS)

afterAll(() => rig.close(), LIMIT_MS)

/** Another image of the same length: what follows the files of an image is nobody's. */
function otherImage(): Buffer {
  const other = Buffer.from(image)
  randomBytes(1024 * 1024).copy(other, ISO_BYTES - 2 * 1024 * 1024)
  return other
}

function download(out: string): Running {
  return rig.spawn('rack', [
    'curl',
    '-sS',
    '--fail',
    '--max-time',
    '60',
    ...SLOWLY,
    '-o',
    rig.path(out),
    `http://10.77.0.1/isos/${ISO}/proxmox.iso`,
  ])
}

/** Some of it has come, and most of it has not. */
const begun = (out: string): Promise<boolean> =>
  until('a beginning', () => statSync(rig.path(out), { throwIfNoEntry: false })?.size).then(() => true)
const isoPath = (): string => rig.path('isos', ISO)
const bytesOf = (out: string): string => sha256(readFileSync(rig.path(out)))

test(
  'an ISO that is moved over is sent whole as it was; one that is written over or cut breaks off; the next download is the new one',
  async () => {
    const [first, second] = [otherImage(), otherImage()]
    const moved = download('moved')
    await begun('moved')
    writeFileSync(rig.path('new'), first)
    renameSync(rig.path('new'), isoPath())
    expect([(await moved.ended).code, bytesOf('moved')]).toEqual([0, sha256(image)])
    await until(
      'the new one',
      async () =>
        (await curl(rig, 'rack', `/isos/${ISO}/vmlinuz`, '-o', '/dev/null', '-w', '%{http_code}')).stdout === '200',
      NOTICED_MS,
    )
    const written = download('written')
    await begun('written')
    writeFileSync(rig.path('new'), second)
    copyFileSync(rig.path('new'), isoPath())
    // Either not yet begun to be another one, or cut: never the one with parts of the other taken for whole.
    expect((await written.ended).code).not.toBe(0)
    await until(
      'the next',
      async () => {
        const next = download('next')
        return (await next.ended).code === 0 && bytesOf('next') === sha256(second)
      },
      NOTICED_MS,
    )
    const cut = download('cut')
    await begun('cut')
    truncateSync(isoPath(), 1024 * 1024)
    expect((await cut.ended).code).not.toBe(0)
    expect(appliance.running).toBe(true)
  },
  LIMIT_MS,
)

test(
  'the folder of the ISOs is gone and comes back: an attempt waits with its reason, and goes on',
  async () => {
    rmSync(rig.path('isos'), { recursive: true })
    await until(
      'an alarm',
      async () =>
        (await rig.cli(site, 'alarm', 'list')).stdout.includes('iso-profile') ||
        (await rig.cli(site, 'alarm', 'list')).stdout.includes('iso-missing'),
      NOTICED_MS,
    )
    expect((await bootScript(rig)).stdout).toMatch(/\n200$/)
    expect((await rig.cli(site, 'machine', 'list')).stdout).toMatch(/^node1\s+failed/m)
    mkdirSync(rig.path('isos'))
    writeFileSync(rig.path('part'), image)
    renameSync(rig.path('part'), isoPath())
    await until('it is usable', async () => (await rig.cli(site, 'iso', 'list')).stdout.includes('usable'), NOTICED_MS)
    expect((await rig.cli(site, 'machine', 'approve', 'node1')).status).toBe(0)
    expect(attemptIn((await bootScript(rig)).stdout)).toMatch(/^[0-9a-f]{8}$/)
  },
  LIMIT_MS,
)

test(
  'a certificate that has ended is an alarm and a warning of `check`, and an installer that pins it is answered',
  async () => {
    const checked = await rig.cli(site, 'check')
    expect(`${checked.stdout}${checked.stderr}`).toMatch(/cert\.pem ended at 2021-01-01/)
    expect((await rig.cli(site, 'alarm', 'list')).stdout).toContain('certificate-expired')
    const shown = await rig.run('rack', [
      'sh',
      '-c',
      'openssl s_client -connect 10.77.0.1:443 </dev/null 2>/dev/null | openssl x509 -outform PEM',
    ])
    const print = (
      await dig(rig, 'rack', 'txt', 'proxmox-auto-installer-cert-fingerprint.rack7.example.org', '-b', NODE1_ADDRESS)
    ).stdout
    expect(print.trim().replaceAll('"', '').toUpperCase()).toBe(
      new X509Certificate(shown.stdout).fingerprint256.replaceAll(':', ''),
    )
    expect((await askAnswer(rig, await answerUrl(rig))).stdout).toMatch(/\n200$/)
  },
  LIMIT_MS,
)

test(
  'upstream resolvers that are dead cost our own names nothing, and are asked again by themselves',
  async () => {
    const foreign = (name: string): Promise<string> =>
      dig(rig, 'rack', name, '+time=5').then(({ stdout }) => stdout.trim())
    expect(await foreign('first.example.com')).toBe('')
    const flood = `const s=require('node:dgram').createSocket('udp4');let n=0;setInterval(()=>{for(let i=0;i<5;i++){const l='f'+n++;s.send(Buffer.concat([Buffer.from([n>>8&255,n&255,1,0,0,1,0,0,0,0,0,0,l.length]),Buffer.from(l),Buffer.from([7]),Buffer.from('example'),Buffer.from([3]),Buffer.from('com'),Buffer.from([0,0,1,0,1])]),53,'10.77.0.1')}},20)`
    const asking = rig.spawn('rack', [process.execPath, '-e', flood])
    await sleep(1000)
    writeFileSync(rig.path('names'), 'mirror.rack7.example.org A\n'.repeat(50))
    const began = Date.now()
    const own = await dig(rig, 'rack', '-f', rig.path('names'))
    const tookMs = Date.now() - began
    expect(own.stdout.split('\n').filter(line => line === '10.77.0.5')).toHaveLength(50)
    // Without upstream's four seconds in any of them.
    expect(tookMs).toBeLessThan(4000)
    await asking.kill()
    rig.spawn('office', [
      'dnsmasq',
      '--no-daemon',
      '--no-resolv',
      '--no-hosts',
      '--conf-file=/dev/null',
      '--bind-interfaces',
      `--listen-address=${OFFICE_ADDRESS}`,
      '--address=/example.com/192.0.2.7',
    ])
    let asked = 0
    await until('an answer', async () => (await foreign(`again${asked++}.example.com`)) === '192.0.2.7', 30_000)
  },
  LIMIT_MS,
)

test(
  'thousands of connections that say nothing, up to the limit of descriptors: packets are served, and TCP again when they are gone',
  async () => {
    const hold = `const{connect}=require('node:net');let n=0;for(const port of[80,443,53])for(let i=0;i<2600;i++){const s=connect({port,host:'10.77.0.1',localAddress:'10.77.0.'+(200+i%40)});s.on('connect',()=>n++);s.on('error',()=>{});}setTimeout(()=>console.log('open '+n),6000)`
    // Of many clients: each has its share.
    for (let last = 200; last < 240; last++)
      rig.ip('-n', rig.space('rack'), 'addr', 'add', `10.77.0.${last}/24`, 'dev', 'eth0')
    const holder = rig.spawn('rack', ['prlimit', '--nofile=16384', process.execPath, '-e', hold])
    await holder.untilSaid('open', 30_000)
    expect(Number(/open (\d+)/.exec(holder.stdout)![1])).toBeGreaterThan(4000)
    expect((await udhcpc(rig, 'rack')).variables.get('ip')).toBe(NODE1_ADDRESS)
    expect((await dig(rig, 'rack', 'mirror.rack7.example.org')).stdout).toBe('10.77.0.5\n')
    expect((await tftp(rig, 'rack', 'undionly.kpxe'))?.length).toBe(LOADER_BYTES)
    await holder.kill()
    // Each port comes back by itself, as its connections are seen to be gone.
    let answers: unknown
    const all = async (): Promise<boolean> => isDeepStrictEqual((answers = await answering(rig, site)), ALL_ANSWER)
    await until('all services', all, NOTICED_MS).catch(() => expect(answers).toEqual(ALL_ANSWER))
    await appliance.kill()
  },
  LIMIT_MS,
)
