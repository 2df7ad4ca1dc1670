/** `npm run soak`: a rack's day in minutes, against the real appliance; see test/soak/README.md. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { EnvironmentProblem } from '../../services/kit/problem.ts'
import { enterRackNamespace } from '../../services/lab/network.ts'
import { soak, type Wish } from './day.ts'
import { reportLines, verdictsOf } from './report.ts'

const MACHINES_MOST = 8_000
const DEFAULTS = { minutes: '30', machines: '1000', seed: '1' }

const HELP = `Runs the appliance and a rack of simulated machines for a while, with everything that can disturb it, and says what that did to it. As root.

Usage:
  npm run soak -- [--minutes N] [--machines N] [--seed N] [--json] [--keep]

Options:
  --minutes N   how long, switching the rack on included (default ${DEFAULTS.minutes})
  --machines N  how many machines (default ${DEFAULTS.machines}, at most ${MACHINES_MOST})
  --seed N      another order of events (default ${DEFAULTS.seed})
  --json        the report for programs, every sample in it
  --keep        leave the folder of this run: site file, state, log
  --help        show this

Example:
  npm run soak -- --minutes 10 --machines 500
`

/** Text where it can't be. */
function readWish(values: Record<keyof typeof DEFAULTS, string>): Wish | string {
  const [minutes, machines, seed] = [Number(values.minutes), Number(values.machines), Number(values.seed)]
  if (!(minutes > 0)) return '--minutes is a number above 0'
  if (!Number.isInteger(machines) || machines < 20 || machines > MACHINES_MOST)
    return `--machines is a whole number from 20 to ${MACHINES_MOST}`
  return Number.isInteger(seed) ? { minutes, machines, seed } : '--seed is a whole number'
}

async function runInside(wish: Wish, { json, keep }: { json: boolean; keep: boolean }): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'rackrise-soak-'))
  let isGood = false
  try {
    const findings = await soak(wish, folder, line => void process.stderr.write(`  ${line}\n`))
    const verdicts = verdictsOf(findings)
    isGood = verdicts.every(({ holds }) => holds)
    const text = json ? JSON.stringify({ ...findings, verdicts }, null, 2) : reportLines(findings).join('\n')
    process.stdout.write(`${text}\n`)
    return isGood ? 0 : 1
  } finally {
    // What went wrong is worth looking into.
    if (isGood && !keep) await rm(folder, { recursive: true, force: true })
    else process.stderr.write(`left for you to look at: ${folder}\n`)
  }
}

async function main(args: string[]): Promise<number> {
  const text = { type: 'string' as const }
  const { values } = parseArgs({
    args,
    options: {
      minutes: { ...text, default: DEFAULTS.minutes },
      machines: { ...text, default: DEFAULTS.machines },
      seed: { ...text, default: DEFAULTS.seed },
      json: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(HELP)
    return 0
  }
  const wish = readWish(values)
  if (typeof wish === 'string') {
    process.stderr.write(`soak: ${wish}; see \`npm run soak -- --help\`\n`)
    return 2
  }
  const entered = await enterRackNamespace(process.argv.slice(1))
  return entered.inside ? runInside(wish, values) : entered.exited
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  if (!(error instanceof EnvironmentProblem)) throw error
  process.stderr.write(`soak: ${error.message}\n`)
  process.exitCode = 1
}
