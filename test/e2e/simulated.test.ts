import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { isProblem } from '../../services/kit/is-problem.ts'
import { systemClock } from '../../services/kit/clock.ts'
import { planMachines } from '../../services/lab/rack-plan.ts'
import { runSimulatedRack } from '../../services/lab/run-rack.ts'
import { until } from '../interop/appliance-rig.ts'
import { countOf, stateOf, timelineOf, withLab } from './rig.ts'

const ROOT = join(import.meta.dirname, '../..')

/** The command as a person runs it: outside of this test's namespace. */
function lab(args: string[], wrap: string[] = []): { status: number | null; stdout: string; stderr: string } {
  const { RACKRISE_LAB_OUTSIDE: _, ...env } = process.env
  const [command, ...rest] = [...wrap, process.execPath, join(ROOT, 'services/main.ts'), 'lab', ...args]
  return spawnSync(command!, rest, { cwd: ROOT, env, encoding: 'utf8', timeout: 120_000 })
}

test('a rack of 200 machines lives its whole life in one run, and nothing is left behind', { timeout: 150_000 }, () => {
  const folders = (): string[] => readdirSync(tmpdir()).filter(name => name.startsWith('rackrise-lab-'))
  const before = folders()
  const { status, stdout } = lab(['--simulate', '--machines', '200', '--json'])
  expect(status).toBe(0)
  const { machines } = JSON.parse(stdout) as { machines: { state: string; outcome: { outcome: string } }[] }
  expect(machines).toHaveLength(200)
  expect(new Set(machines.map(({ state, outcome }) => `${state} ${outcome.outcome}`))).toEqual(
    new Set(['installed installed']),
  )
  expect(folders()).toEqual(before)
})

test('an ordinary user can run it with simulated machines', { timeout: 60_000 }, () => {
  // The checkout of CI may be readable by root only; everything else of an ordinary user stays.
  const nobody = [
    'setpriv',
    '--reuid=65534',
    '--regid=65534',
    '--clear-groups',
    '--inh-caps=-all,+dac_read_search',
    '--ambient-caps=+dac_read_search',
    '--bounding-set=-all,+dac_read_search',
  ]
  const { status, stdout, stderr } = lab(['--simulate', '--machines', '3'], nobody)
  expect([status, stderr]).toEqual([0, ''])
  expect(stdout).toMatch(/3 of 3 installed/)
})

test('its console is on the loopback of the host, and the link that it prints leads in', {
  timeout: 60_000,
}, async () => {
  spawnSync('ip', ['link', 'set', 'lo', 'up'])
  const { RACKRISE_LAB_OUTSIDE: _, ...env } = process.env
  const main = join(ROOT, 'services/main.ts')
  const child = spawn(process.execPath, [main, 'lab', '--simulate', '--machines', '1', '--keep'], { cwd: ROOT, env })
  const ended = new Promise(resolve => child.once('exit', resolve))
  let said = ''
  const link = await new Promise<string>((resolve, reject) => {
    child.once('exit', () => reject(new Error(said)))
    child.stdout.setEncoding('utf8').on('data', (part: string) => {
      said += part
      const [, url] = /console: (\S+)/.exec(said) ?? []
      if (url) resolve(url)
    })
  })
  const [base, secret] = link.split('#link=')
  const signIn = await fetch(`${base}api/v1/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ link: secret }),
  })
  const cookie = signIn.headers.get('set-cookie')!.split(';', 1)[0]!
  const machines = await fetch(`${base}api/v1/machines`, { headers: { cookie } })
  const names = ((await machines.json()) as { name: string }[]).map(({ name }) => name)
  const inside = await fetch(`${base}api/v1/appliance`)
  // The control socket is a file, and belongs to no namespace.
  const site = await until('the end of the run', () => /kept: .* --config (\S+)/.exec(said)?.[1])
  const again = spawnSync(process.execPath, [main, 'console', 'link', '--role', 'viewer', '--config', site], {
    encoding: 'utf8',
  })
  const { role } = JSON.parse(
    spawnSync(process.execPath, [main, 'console', 'link', '--json', '--config', site], { encoding: 'utf8' }).stdout,
  ) as { role: string }
  child.kill('SIGTERM')
  await ended
  expect([again.status, again.stdout.startsWith(`${base}#link=`), role]).toEqual([0, true, 'operator'])
  expect(again.stderr).toMatch(/good for one sign-in as viewer until \d\d:\d\d:\d\d\n$/)
  expect([base, signIn.status, names, inside.status]).toEqual([
    expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/$/),
    200,
    ['node1'],
    401,
  ])
  await expect(fetch(base!)).rejects.toThrow()
})

test('the summary of a machine that is not installed ends with status 1', { timeout: 60_000 }, () => {
  const missing = lab(['--simulate', '--iso', '/nowhere/proxmox-ve_9.2-1.iso'])
  expect(missing.status).toBe(1)
  expect(existsSync('/nowhere')).toBe(false)
})

test('simulated machines: TXT only, power cuts in the middle, held, and one that is both', {
  timeout: 90_000,
}, async () => {
  const machines = planMachines(6, 'mixed', true).map((machine, index) => ({ ...machine, approve: index < 4 }))
  await withLab({ kind: 'simulated', machines }, async ({ lab: open }) => {
    const specs = machines.map((machine, index) => ({
      ...machine,
      powerCycle: index === 1 || index === 2,
      withhold250: index === 2 || index === 3,
      disk: index === 5 ? ('bootable' as const) : ('blank' as const),
    }))
    const run = {
      lab: open,
      machines: specs,
      clock: systemClock,
      signal: new AbortController().signal,
      display: { show() {} },
    }
    const outcomes = await runSimulatedRack(run)
    expect(machines.map(({ name }) => `${name} ${outcomes.get(name)?.outcome}`)).toEqual([
      'node1 installed',
      'node2 installed',
      'node3 installed',
      'node4 installed',
      'node5 held',
      'node6 held',
    ])
    const states = await Promise.all(machines.map(({ name }) => stateOf(open, name)))
    expect(states).toEqual(['installed', 'installed', 'installed', 'installed', 'held', 'held'])
    const served = await Promise.all(
      machines.map(async ({ name }) => countOf(await timelineOf(open, name), 'answer-served')),
    )
    expect(served).toEqual([1, 2, 2, 1, 0, 0])
    // Their answers say from-dhcp: what they installed as static is nobody else's from now on.
    const kept = await Promise.all(
      machines.map(async ({ name }) => {
        const view = await open.fleet.show(name)
        return isProblem(view) ? view.code : view.staticAddress?.address === view.address && view.address !== undefined
      }),
    )
    expect(kept).toEqual([true, true, true, true, false, false])
  })
})
