/** The Vagrantfile, by Vagrant's own check of it. What makes a machine of it the appliance is tried in `systemd.test.ts`. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { ROOT } from './appliance-rig.ts'

const LIMIT_MS = 60_000

const folder = mkdtempSync(join(tmpdir(), 'rackrise-vagrant-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function vagrant(...words: string[]): { status: number | null; said: string } {
  const env = {
    VAGRANT_HOME: folder,
    VAGRANT_DOTFILE_PATH: join(folder, 'machines'),
    VAGRANT_DEFAULT_PROVIDER: 'libvirt',
  }
  const options = { cwd: ROOT, env: { ...process.env, ...env }, encoding: 'utf8' } as const
  const { status, stdout, stderr } = spawnSync('vagrant', words, options)
  return { status, said: stdout + stderr }
}

test(
  'Vagrant finds nothing wrong with it, libvirt’s part included',
  () => {
    expect(vagrant('validate')).toEqual({
      status: 0,
      said: expect.stringMatching(/^Vagrantfile validated successfully\.$/m) as string,
    })
  },
  LIMIT_MS,
)

test(
  'it has an appliance and a client of each firmware',
  () => {
    const { said } = vagrant('status', '--machine-readable')
    expect(said.match(/(?<=,)[a-z]+(?=,metadata,provider)/g)).toEqual(['appliance', 'bios', 'uefi'])
  },
  LIMIT_MS,
)
