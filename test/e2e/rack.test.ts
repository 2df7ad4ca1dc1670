import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '../..')

test('`rackrise lab`: four machines at once, mixed firmware, all installed', { timeout: 15 * 60_000 }, async () => {
  const { RACKRISE_LAB_OUTSIDE: _, ...env } = process.env
  const child = spawn(
    process.execPath,
    [join(ROOT, 'services/main.ts'), 'lab', '--qemu', '--machines', '4', '--firmware', 'mixed', '--json'],
    { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'inherit'] },
  )
  let stdout = ''
  child.stdout.on('data', (part: Buffer) => {
    stdout += part.toString()
  })
  const status = await new Promise(resolve => child.once('close', resolve))
  const { machines } = JSON.parse(stdout) as {
    machines: { name: string; state: string; outcome: { outcome: string } }[]
  }
  expect(machines.map(({ name, state, outcome }) => `${name} ${state} ${outcome.outcome}`)).toEqual([
    'node1 installed installed',
    'node2 installed installed',
    'node3 installed installed',
    'node4 installed installed',
  ])
  expect(status).toBe(0)
})
