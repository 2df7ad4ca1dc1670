/** The Debian package, as a stranger meets it: built, judged, installed in a Debian of its own, used, upgraded, removed, purged. */
import { execFileSync, spawnSync } from 'node:child_process'
import {
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { VERSION } from '../../services/cli/version.ts'
import { ISO, Rig, ROOT, type Running } from './appliance-rig.ts'
import { dockerWords } from '../packaging/dockerfile.ts'
import { PackageRoot } from './package-root.ts'

const BUILD_LIMIT_MS = 180_000
const LIMIT_MS = 120_000
const OLDER = '0.0.9'
const NODE1 = '52:54:00:7a:00:01'

const work = mkdtempSync(join(tmpdir(), 'rackrise-package-test-'))
const deb = join(work, `rackrise_${VERSION}_amd64.deb`)
let root: PackageRoot
let rig: Rig
let appliance: Running | undefined

beforeAll(async () => {
  // Not packed tightly: that takes a minute and changes nothing here.
  const line = ['run', '--silent', 'package', '--', '--arch', 'amd64', '--quick', '--out', work]
  execFileSync('npm', line, { cwd: ROOT, stdio: 'pipe', timeout: BUILD_LIMIT_MS })
  root = PackageRoot.make(join(work, 'root'))
  rig = await Rig.open('package')
  for (const words of [
    ['sysctl', '-q', 'net.ipv4.conf.eth0.arp_ignore=0'],
    // All addresses of the pool are the simulated machine's.
    ['ip', 'route', 'add', 'local', '10.77.0.100/30', 'dev', 'lo'],
  ])
    expect(await rig.run('rack', words)).toMatchObject({ status: 0 })
}, 2 * BUILD_LIMIT_MS)

afterAll(async () => {
  await stop()
  await rig.close()
  rmSync(work, { recursive: true, force: true })
}, LIMIT_MS)

/** The same package under the number of an older version. */
function olderDeb(): string {
  const [folder, older] = [join(work, 'older'), join(work, `rackrise_${OLDER}_amd64.deb`)]
  execFileSync('dpkg-deb', ['--raw-extract', deb, folder])
  const control = join(folder, 'DEBIAN/control')
  writeFileSync(control, readFileSync(control, 'utf8').replace(`Version: ${VERSION}`, `Version: ${OLDER}`))
  execFileSync('dpkg-deb', ['--root-owner-group', '-Znone', '--build', folder, older], { stdio: 'pipe' })
  rmSync(folder, { recursive: true })
  return older
}

/** e_machine of <elf.h>. */
const EM_AARCH64 = 183

function machineOf(file: string): number {
  const head = Buffer.alloc(20)
  const handle = openSync(file, 'r')
  readSync(handle, head)
  closeSync(handle)
  return head.readUInt16LE(18)
}

/** `rackrise:rackrise 700` */
function ownership(path: string): string {
  return root.run('stat', '--format', '%U:%G %a', path).stdout.trim()
}

/** All paths of systemd's set-up that name us, the package's own files left out. */
function enabled(): string[] {
  return readdirSync(root.path('/etc/systemd/system'), { recursive: true, encoding: 'utf8' })
    .filter(name => /\.wants\/rackrise/.test(name))
    .toSorted()
}

async function machine(disk: 'blank' | 'bootable'): Promise<unknown> {
  const life = [process.execPath, 'test/interop/package-machine.ts', 'eth0', disk]
  return JSON.parse((await rig.run('rack', life, LIMIT_MS)).stdout)
}

/** As the image runs it, which is as the user of the unit. */
async function serve(): Promise<void> {
  const text = readFileSync(join(ROOT, 'packaging/Dockerfile'), 'utf8')
  const words = [...dockerWords(text, 'ENTRYPOINT'), ...dockerWords(text, 'CMD')]
  appliance = rig.spawn('appliance', root.command(words))
  await appliance.untilSaid('is serving')
}

/** The end of `unshare` would not be that of a process that has become another user since. */
async function stop(): Promise<void> {
  if (!appliance?.running) return
  const [inside] = readFileSync(`/proc/${appliance.pid}/task/${appliance.pid}/children`, 'utf8').split(' ')
  process.kill(Number(inside), 'SIGTERM')
  expect(await appliance.ended).toEqual({ code: 0, signal: null })
}

const rackrise = (...words: string[]): ReturnType<PackageRoot['run']> => root.run('rackrise', ...words)

/** The checkout as it is, under another path. */
function buildElsewhere(out: string): void {
  const elsewhere = join(work, 'elsewhere')
  mkdirSync(elsewhere)
  const there = 'umask 077; mount --bind "$0" "$1" && cd "$1" && shift && exec npm run --silent package -- "$@"'
  const both = ['--arch', 'amd64', '--arch', 'arm64', '--quick', '--out', out]
  const env = { ...process.env, TZ: 'Asia/Tokyo', LC_ALL: 'C', TMPDIR: join(work, 'root/var/tmp') }
  execFileSync('unshare', ['--mount', 'sh', '-c', there, ROOT, elsewhere, ...both], { env, stdio: 'pipe' })
}

test(
  'built again at another place, by somebody with other habits, it is the same octet for octet; and there is one for ARM64',
  () => {
    const out = join(work, 'again')
    buildElsewhere(out)
    expect(readFileSync(join(out, `rackrise_${VERSION}_amd64.deb`)).equals(readFileSync(deb))).toBe(true)
    const arm = join(out, `rackrise_${VERSION}_arm64.deb`)
    expect(execFileSync('dpkg-deb', ['--field', arm, 'Architecture'], { encoding: 'utf8' })).toBe('arm64\n')
    execFileSync('dpkg-deb', ['--extract', arm, join(work, 'arm')])
    for (const path of ['node', 'node_modules/@koromix/koffi-linux-arm64/linux_arm64/koffi.node'])
      expect([path, machineOf(join(work, 'arm/usr/lib/rackrise', path))]).toEqual([path, EM_AARCH64])
    expect(readdirSync(join(work, 'arm/usr/lib/rackrise/node_modules/@koromix'))).toEqual(['koffi-linux-arm64'])
  },
  BUILD_LIMIT_MS,
)

test(
  'lintian has nothing to say',
  () => {
    const { stdout, stderr } = spawnSync('lintian', ['--fail-on', 'warning', '--allow-root', deb], { encoding: 'utf8' })
    expect([stdout, stderr]).toEqual(['', ''])
  },
  LIMIT_MS,
)

test(
  'mandoc and man take every manual page',
  () => {
    const pages = join(work, 'pages')
    execFileSync('dpkg-deb', ['--extract', deb, pages])
    const folder = join(pages, 'usr/share/man')
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.gz'))
    expect(files).toContain('man1/rackrise-machine.1.gz')
    for (const name of files) {
      const text = execFileSync('zcat', [join(folder, name)])
      const lint = spawnSync('mandoc', ['-T', 'lint', '-W', 'warning'], { input: text, encoding: 'utf8' })
      expect([name, lint.stdout, lint.stderr]).toEqual([name, '', ''])
      const environment = { ...process.env, MANROFFSEQ: '', MANWIDTH: '80', LC_ALL: 'C.UTF-8' }
      const man = spawnSync('man', ['--warnings', '--local-file', join(folder, name)], {
        encoding: 'utf8',
        env: environment,
      })
      expect([name, man.status, man.stderr]).toEqual([name, 0, ''])
    }
  },
  LIMIT_MS,
)

test(
  'installed it starts nothing, says what comes next, and everything has its owner',
  () => {
    const { status, stdout, stderr } = root.install(olderDeb())
    expect([status, stderr]).toEqual([0, expect.stringContaining('Creating user')])
    expect(stdout).toContain('rackrise: not started, since it is a DHCP server.')
    expect(stdout).toContain('then:\nrackrise check && systemctl enable --now rackrise\n')
    expect(enabled()).toEqual([])
    expect({
      state: ownership('/var/lib/rackrise'),
      answers: ownership('/etc/rackrise/answers'),
      site: ownership('/etc/rackrise/site.toml'),
      isos: ownership('/srv/rackrise/isos'),
    }).toEqual({
      state: 'rackrise:rackrise 700',
      answers: 'root:rackrise 750',
      site: 'root:root 644',
      isos: 'root:root 755',
    })
  },
  LIMIT_MS,
)

test(
  'its own commands run on its own Node, and its site file wants nothing but an interface and an ISO',
  () => {
    expect(root.run('sh', '-c', 'command -v node')).toMatchObject({ status: 127, stdout: '' })
    expect(rackrise('--version')).toEqual({ status: 0, stdout: `${VERSION}\n`, stderr: '' })
    const { status, stderr } = rackrise('check')
    expect([status, stderr.split('\n').toSorted()]).toEqual([
      1,
      [
        '',
        'error: profile pve: no ISO fits "pve:latest"; there is none; put one into /srv/rackrise/isos, or correct the profile\'s iso',
        'error: the interface eth1 does not exist; see `ip link` for the names, and set network.interface',
      ],
    ])
    const complete = 'source /usr/share/bash-completion/completions/rackrise; complete -p rackrise'
    expect(root.run('bash', '-c', complete)).toMatchObject({ status: 0 })
  },
  LIMIT_MS,
)

test(
  'a command that root runs before the first start leaves nothing that the appliance can not read',
  () => {
    expect(rackrise('machine', 'list')).toMatchObject({ status: 0, stderr: '' })
    expect(ownership('/var/lib/rackrise/state.sqlite')).toBe('rackrise:rackrise 600')
    expect(ownership('/var/lib/rackrise/secret.key')).toBe('rackrise:rackrise 600')
  },
  LIMIT_MS,
)

test(
  '`init` writes a site file that has the ISOs where the package has them',
  () => {
    const flags = ['--interface', 'eth1', '--address', '10.77.0.1/24', '--domain', 'rack.test', '--router', '-']
    expect(rackrise('init', ...flags)).toMatchObject({ status: 1 })
    const shipped = readFileSync(root.path('/etc/rackrise/site.toml'))
    expect(rackrise('init', ...flags, '--force')).toMatchObject({ status: 0 })
    const written = readFileSync(root.path('/etc/rackrise/site.toml'), 'utf8')
    expect(written).toContain('[paths]\nisos = "/srv/rackrise/isos"\n')
    expect(written).toContain('answers = ["base", "ext4"]\n')
    writeFileSync(root.path('/etc/rackrise/site.toml'), shipped)
    rmSync(root.path('/etc/rackrise/site.toml.before-init'))
  },
  LIMIT_MS,
)

test(
  'with the site file that it brings, as its own user, it holds a machine, and installs it when that is approved',
  async () => {
    cpSync(rig.path('isos', ISO), root.path(`/srv/rackrise/isos/${ISO}`))
    const file = root.path('/etc/rackrise/site.toml')
    // The simulated machine has every address of the pool before it is offered.
    writeFileSync(file, readFileSync(file, 'utf8').replace('\nprobe = true\n', '\nprobe = false\n'))
    await serve()
    expect(await machine('blank')).toEqual({ outcome: 'held' })
    expect(rackrise('machine', 'approve', NODE1)).toMatchObject({ status: 0 })
    expect(await machine('blank')).toEqual({ outcome: 'installed' })
    const { stdout } = rackrise('machine', 'list', '--json')
    expect(JSON.parse(stdout)).toMatchObject([{ id: NODE1, state: 'installed' }])
    await stop()
  },
  LIMIT_MS,
)

test(
  'the lab runs from the package alone',
  () => {
    const { status, stdout } = rackrise('lab', '--simulate', '--machines', '3', '--json')
    expect(status).toBe(0)
    const { machines } = JSON.parse(stdout) as { machines: { state: string }[] }
    expect(machines.map(({ state }) => state)).toEqual(['installed', 'installed', 'installed'])
  },
  LIMIT_MS,
)

test(
  'an upgrade keeps state, site file and what is enabled',
  async () => {
    expect(root.run('systemctl', 'enable', 'rackrise.service')).toMatchObject({ status: 0 })
    const before = enabled()
    expect(before).toContain('multi-user.target.wants/rackrise.service')
    expect(root.install(deb)).toMatchObject({ status: 0, stdout: expect.not.stringContaining('not started') })
    expect(root.run('dpkg-query', '--show', '--showformat=${Version}', 'rackrise').stdout).toBe(VERSION)
    expect(readFileSync(root.path('/etc/rackrise/site.toml'), 'utf8')).toContain('\nprobe = false\n')
    expect(ownership('/etc/rackrise/answers')).toBe('root:rackrise 750')
    expect(enabled()).toEqual(before)
    await serve()
    // It is told to boot its disk, and who it is: it has no name in the site file, so the simulated machine takes it for held.
    expect(await machine('bootable')).toEqual({ outcome: 'held' })
    expect(rackrise('machine', 'show', NODE1).stdout).toMatch(/^ {2}state {7}installed$/m)
    await stop()
  },
  LIMIT_MS,
)

test(
  'removed it leaves state and configuration; purged, the ISOs only',
  () => {
    expect(root.run('dpkg', '--remove', 'rackrise')).toMatchObject({ status: 0 })
    expect(['/usr/bin/rackrise', '/usr/lib/rackrise'].filter(path => existsSync(root.path(path)))).toEqual([])
    expect(statSync(root.path('/var/lib/rackrise/state.sqlite')).size).toBeGreaterThan(0)
    expect(existsSync(root.path('/etc/rackrise/site.toml'))).toBe(true)
    expect(root.run('dpkg', '--purge', 'rackrise')).toMatchObject({ status: 0 })
    const gone = ['/var/lib/rackrise', '/etc/rackrise', '/etc/systemd/system/rackrise-.socket.d']
    expect(gone.filter(path => existsSync(root.path(path)))).toEqual([])
    expect(enabled()).toEqual([])
    expect(readdirSync(root.path('/srv/rackrise/isos'))).toEqual([ISO])
  },
  LIMIT_MS,
)

test(
  'installed again it is as the first time, and with no ISO left a purge leaves nothing',
  () => {
    const { status, stdout } = root.install(deb)
    expect([status, stdout]).toEqual([0, expect.stringContaining('not started')])
    expect(ownership('/etc/rackrise/answers')).toBe('root:rackrise 750')
    expect(rackrise('machine', 'list').stdout).toBe(
      'no machine is listed, and none was seen yet: switch one on, network first in its boot order\n',
    )
    rmSync(root.path(`/srv/rackrise/isos/${ISO}`))
    expect(root.run('dpkg', '--purge', 'rackrise')).toMatchObject({ status: 0 })
    const left = root.run('find', '/', '-xdev', '-name', '*rackrise*', '-not', '-path', '/proc/*').stdout.split('\n')
    expect(left.filter(path => path !== '')).toEqual([])
  },
  LIMIT_MS,
)
