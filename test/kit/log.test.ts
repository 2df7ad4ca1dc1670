/** The real log as a process of its own: what is hidden, and that every line is there once when the process ends. */
import { execFileSync, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { withoutSecrets } from '../../services/kit/pino-log.ts'

const LOG = JSON.stringify(join(import.meta.dirname, '../../services/kit/pino-log.ts'))
const LINES = 5000

function program(ending: string): string {
  return `
    import { createLog } from ${LOG}
    const log = createLog({ level: 'info', format: 'json' })
    for (let line = 0; line < ${LINES}; line++) log.info({ line, token: 's3cr3t' }, 'a line')
    ${ending}`
}

const asProgram = (text: string): string[] => ['--input-type=module-typescript', '--eval', text]

test.each([
  ['fields at the top', { mac: 'a', token: 'x' }, { mac: 'a', token: '[Redacted]' }],
  ['fields one below', { body: { password: 'x', name: 'n' } }, { body: { password: '[Redacted]', name: 'n' } }],
  ['nothing to hide', { reason: 'selected', list: [1] }, { reason: 'selected', list: [1] }],
])('secrets are hidden: %s', (_, fields, shown) => {
  const before = structuredClone(fields)
  expect(withoutSecrets(fields)).toEqual(shown)
  // What was logged belongs to who logged it.
  expect(fields).toEqual(before)
})

test('what a stranger says is one line of the log, whatever is in it', () => {
  const said = 'a"}\n{"level":50,"msg":"forged"}\r\n\u0000\u001b[2J'
  const text = `
    import { createLog } from ${LOG}
    createLog({ level: 'info', format: 'json' }).info({ name: ${JSON.stringify(said)} }, ${JSON.stringify(said)})`
  const output = execFileSync(process.execPath, asProgram(text), { encoding: 'utf8' })
  expect(output.match(/\n/g)).toHaveLength(1)
  expect(output.trimEnd()).toMatch(/^[\x20-\x7e]+$/)
  expect(JSON.parse(output)).toMatchObject({ level: 30, name: said, msg: said })
})

test.each([
  ['it has nothing more to do', ''],
  ['it exits', 'process.exit(0)'],
])('every line is there once, in order, when the process ends because %s', (_, ending) => {
  const output = execFileSync(process.execPath, asProgram(program(ending)), { encoding: 'utf8', maxBuffer: 1e8 })
  const lines = output
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line) as { line: number; token: string })
  expect(lines.map(({ line }) => line)).toEqual(Array.from({ length: LINES }, (_, line) => line))
  expect(output).not.toContain('s3cr3t')
})

test('a bug that ends the process does not take the lines before it along', () => {
  const { stdout, status } = spawnSync(
    process.execPath,
    asProgram(program(`setTimeout(() => { throw new Error('bug') }, 50)`)),
    {
      encoding: 'utf8',
      maxBuffer: 1e8,
    },
  )
  expect([status, stdout.trimEnd().split('\n').length]).toEqual([1, LINES])
})
