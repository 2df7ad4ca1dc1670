import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { hintFor } from '../../services/lab/ip-command.ts'
import { diagnoseRefusal } from '../../services/lab/namespace.ts'
import { buildRack } from '../../services/lab/network.ts'

const PROGRAM = join(import.meta.dirname, 'fixtures/rack-program.ts')
const ROOM = mkdtempSync(join(tmpdir(), 'rack-test-'))
const LIMIT_MS = 60_000

afterAll(() => rmSync(ROOM, { recursive: true }))

const namespaces = () => spawnSync('ip', ['netns', 'list'], { encoding: 'utf8' }).stdout
const links = () => spawnSync('ip', ['-o', 'link'], { encoding: 'utf8' }).stdout

const EVERYTHING_USED = {
  peers: ['10.77.1.1', '10.77.1.250'],
  // A client without an address speaks from 0.0.0.0.
  heard: ['hello from 0.0.0.0:68'],
  arpFromDevice: true,
  during: { rack: ['lo', 'rackbr0', 'rackport0', 'sim0', 'simport0', 'tap0'], appliance: ['lo', 'rack0'] },
  applianceAddress: '10.77.0.1/23',
  restarted: true,
  exit: { code: 3, signal: null },
  builtAgain: true,
  after: ['lo'],
}

describe(
  'a rack in its namespace',
  () => {
    test.each([
      ['as root', []],
      ['as an ordinary user', ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--']],
    ])(
      '%s: simulated machines reach the appliance from their own addresses, and nothing is left behind',
      (_, prefix) => {
        const before = { namespaces: namespaces(), links: links() }
        const [command, ...args] = [...prefix, process.execPath, PROGRAM, 'use']
        const ran = spawnSync(command!, args, { encoding: 'utf8', timeout: LIMIT_MS })
        expect(ran.stderr).toBe('')
        const { inside, ...seen } = JSON.parse(ran.stdout) as { inside: string }
        expect(seen).toEqual(EVERYTHING_USED)
        expect(inside).not.toBe(readlinkSync('/proc/self/ns/net'))
        expect({ namespaces: namespaces(), links: links() }).toEqual(before)
      },
    )

    test('kill -9 of the outer process takes the lab and the appliance with it', async () => {
      const outer = spawn(process.execPath, [PROGRAM, 'wait', join(ROOM, 'log')], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const line = await new Promise<string>(
        resolve => void outer.stdout.once('data', (data: Buffer) => resolve(data.toString())),
      )
      const { lab, appliance, serving } = JSON.parse(line) as { lab: number; appliance: number; serving: boolean }
      expect([serving, isAlive(lab), isAlive(appliance)]).toEqual([true, true, true])
      outer.kill('SIGKILL')
      // The pipe closes when the last of its writers is gone.
      await new Promise<void>(resolve => void outer.once('close', () => resolve()))
      await expect.poll(() => [isAlive(lab), isAlive(appliance)], { timeout: 5000 }).toEqual([false, false])
    })
  },
  LIMIT_MS,
)

/** A process that runs; one that only waits for somebody to read its exit status does not. */
function isAlive(pid: number): boolean {
  if (!existsSync(`/proc/${pid}`)) return false
  const state = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' }).stdout
  return state !== '' && !state.startsWith('Z')
}

describe('what keeps a lab from starting is one line with what to do', () => {
  test.each([
    [
      'no user namespaces',
      { maxUserNamespaces: '0' },
      false,
      'user namespaces are switched off; run `sysctl user.max_user_namespaces=10000` as root',
    ],
    [
      "Debian's switch",
      { unprivilegedClone: '0' },
      false,
      'user namespaces are switched off for ordinary users; run `sysctl kernel.unprivileged_userns_clone=1` as root',
    ],
    [
      "Ubuntu's AppArmor",
      { maxUserNamespaces: '9', apparmorRestricts: '1' },
      false,
      'AppArmor forbids user namespaces for ordinary users; run `sysctl kernel.apparmor_restrict_unprivileged_userns=0` as root, or run the lab as root',
    ],
    ['something else', {}, false, 'no user namespace can be made: EPERM; run the lab as root'],
    [
      'a container',
      {},
      true,
      'no network namespace can be made: EPERM; give the container CAP_SYS_ADMIN (`--cap-add SYS_ADMIN`), or run the lab on the host',
    ],
  ])('%s', (_, limits, root, line) => {
    expect(diagnoseRefusal(limits, root, 'EPERM').message).toBe(line)
  })

  test.each([
    ['10.77.0.1', '10.77.1.0/24', '10.77.0.1 is not an address with a mask; write it like 10.77.0.1/23'],
    ['10.77.0.1/23', '10.77.1.5/24', '10.77.1.5/24 is not a prefix; write it like 10.77.1.0/24'],
    [
      '10.77.0.1/23',
      '10.77.0.0/24',
      '10.77.0.0/24 is not a free part of the network of 10.77.0.1/23; choose a part of it that does not hold the appliance, like 10.77.1.0/24 in 10.77.0.1/23',
    ],
  ])('addresses %s and %s', async (applianceAddress, simulatedRange, line) => {
    await expect(buildRack({ applianceAddress, simulatedRange })).rejects.toThrow(line)
  })

  test.each([
    [
      'RTNETLINK answers: Operation not permitted',
      'the lab needs a network namespace of its own: start it with `rackrise lab`',
    ],
    ['Error: Unknown device type.', 'load the kernel modules bridge, veth and tun: `modprobe -a bridge veth tun`'],
    ['open: /dev/net/tun: No such file or directory', 'load the module tun and make sure that /dev/net/tun exists'],
    ['RTNETLINK answers: Invalid argument', 'run the same command by hand to see more'],
  ])('ip says %s', (complaint, hint) => {
    expect(hintFor(complaint)).toBe(hint)
  })
})
