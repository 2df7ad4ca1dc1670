/** Every example of the manual passes `check` without a doubt, on a machine that has what the example needs. */
import { readdirSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { runCheck } from '../../services/health/check.ts'
import { diskEdge } from '../../services/health/edge/check-edge.ts'
import { formatProblem } from '../../services/kit/problem.ts'
import { ROOT } from '../presubmit/source.ts'
import { removeLibrary, unpackExample } from './example-site.ts'

const USES = readdirSync(join(ROOT, 'docs/examples'), { withFileTypes: true }).flatMap(entry =>
  entry.isDirectory() ? [entry.name] : [],
)

afterAll(removeLibrary)

test.each(USES)('%s', { timeout: 60_000 }, async use => {
  const folder = await unpackExample(use)
  try {
    const { problems, found } = await runCheck(join(folder, 'site.toml'), {
      ...diskEdge,
      // What the host of an example has, and this one does not.
      addresses: () => ['10.70.0.1', '10.77.0.1'],
      loaders: () => diskEdge.loaders(join(folder, 'loaders')),
      pingGroups: async () => '0\t2147483647\n',
      machines: () => [],
      leases: () => [],
    })
    expect(problems.map(formatProblem)).toEqual([])
    expect(
      found?.catalogue
        .entries()
        .map(({ file }) => file)
        .toSorted(),
    ).toEqual(['proxmox-backup-server_4.1-1.iso', 'proxmox-ve_8.4-1.iso', 'proxmox-ve_9.2-1.iso'])
  } finally {
    await rm(folder, { recursive: true })
  }
})
