/** `npm run fuzz -- [TARGET...] [--seconds N] [--seed N]`: looks for longer than the tests do. What it finds is kept in the corpus. */
import { relative } from 'node:path'
import { parseArgs } from 'node:util'
import { corpusOf, fuzz, keep } from './fuzz.ts'
import { CORPUS, TARGETS } from './targets/index.ts'

const { values, positionals } = parseArgs({
  options: { seconds: { type: 'string', default: '10' }, seed: { type: 'string' } },
  allowPositionals: true,
})
const seconds = Number(values.seconds)
const seed = values.seed === undefined ? Date.now() >>> 0 : Number(values.seed)
const unknown = positionals.filter(name => !TARGETS.some(target => target.name === name))
if (unknown.length > 0 || !(seconds > 0) || !Number.isSafeInteger(seed)) {
  process.stderr.write(
    `usage: npm run fuzz -- [${TARGETS.map(({ name }) => name).join('|')}] [--seconds N] [--seed N]\n`,
  )
  process.exit(2)
}

for (const target of TARGETS.filter(({ name }) => positionals.length === 0 || positionals.includes(name))) {
  const end = performance.now() + seconds * 1000
  const report = await fuzz(target, corpusOf(target.name, CORPUS), { seed, until: () => performance.now() >= end })
  const { runs, behaviours, finding } = report
  process.stdout.write(`${target.name}: ${runs} inputs, ${behaviours} behaviours, seed ${seed}\n`)
  if (!finding) continue
  const file = keep(target.name, CORPUS, finding.bytes)
  process.stdout.write(
    `${finding.error}\nkept in ${relative(process.cwd(), file)}; \`npm test -- fuzz\` fails until that is mended\n`,
  )
  process.exitCode = 1
}
