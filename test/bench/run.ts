/** `npm run bench -- SUITE`: how fast each protocol is beside the programs that people know, on this machine. */
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { EnvironmentProblem } from '../../services/kit/problem.ts'
import { aptLine, missingPackages } from '../../services/lab/packages.ts'
import { answerSuite } from './answer.ts'
import { dhcpSuite } from './dhcp.ts'
import { dnsSuite } from './dns.ts'
import { httpSuite } from './http.ts'
import { storeSuite } from './store.ts'
import { NETWORK_NEEDS, type Suite } from './suite.ts'
import { reportText } from './table.ts'
import { tftpSuite } from './tftp.ts'

const SUITES: readonly Suite[] = [dhcpSuite, dnsSuite, tftpSuite, httpSuite, answerSuite, storeSuite]

const HELP = `Measures Rackrise beside other servers, in a network namespace of its own. As root.

Usage:
  npm run bench -- SUITE [--quick] [--only NAME]... [--json]

Suites:
${SUITES.map(({ name, summary }) => `  ${name.padEnd(6)} ${summary}`).join('\n')}

Options:
  --quick      one short round: the order of magnitude
  --only NAME  only contenders whose names begin so; more than once for several
  --json       the report for programs, every single value in it
  --help       show this

Example:
  npm run bench -- dhcp --quick --only rackrise --only kea
`

async function main(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true, default: [] },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(HELP)
    return 0
  }
  const suite = SUITES.find(({ name }) => name === positionals[0])
  if (!suite || positionals.length !== 1) {
    process.stderr.write(
      `bench: name one of ${SUITES.map(({ name }) => name).join(', ')}; see \`npm run bench -- --help\`\n`,
    )
    return 2
  }
  const missing = await missingPackages([...NETWORK_NEEDS, ...suite.needs])
  if (missing.length > 0)
    throw new EnvironmentProblem(
      'missing-packages',
      `the suite ${suite.name} needs ${missing.join(', ')}`,
      `run: ${aptLine(missing)}`,
    )
  const tell = (line: string): void => void process.stderr.write(`  ${line}\n`)
  const report = await suite.run({ quick: values.quick, only: values.only, tell })
  const machine = { cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length, node: process.version }
  if (values.json) process.stdout.write(`${JSON.stringify({ suite: suite.name, machine, ...report }, null, 2)}\n`)
  else
    process.stdout.write(`\n${machine.cores} cores (${machine.cpu}), Node ${machine.node}\n\n${reportText(report)}\n`)
  return report.checks.every(({ holds }) => holds) ? 0 : 1
}

function isUsageError(error: unknown): error is TypeError {
  return error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS')
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  if (!(error instanceof EnvironmentProblem) && !isUsageError(error)) throw error
  process.stderr.write(`bench: ${error.message}\n`)
  process.exitCode = error instanceof EnvironmentProblem ? 1 : 2
}
