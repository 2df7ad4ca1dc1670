import { readFileSync } from 'node:fs'
import { join, matchesGlob } from 'node:path'
import { validate, ValidationSeverity } from 'dockerfile-utils'
import { expect, test } from 'vitest'
import { ROOT } from '../../packaging/bundle.ts'
import { COMMANDS } from '../../services/cli/run.ts'
import { VERSION } from '../../services/cli/version.ts'
import { dockerInstruction, dockerWords } from './dockerfile.ts'

const text = readFileSync(join(ROOT, 'packaging/Dockerfile'), 'utf8')

test('a linter finds nothing', () => {
  const strict = { emptyContinuationLine: ValidationSeverity.ERROR, instructionCasing: ValidationSeverity.ERROR }
  expect(validate(text, strict)).toEqual([])
  expect(validate(text.replace('VOLUME', 'VOLUMES'), strict)).toHaveLength(1)
})

test.each(['amd64', 'arm64'])('what it copies is what `npm run package` makes, and is sent along: %s', architecture => {
  const made = `dist/rackrise_${VERSION}_${architecture}.deb`
  const [source] = dockerInstruction(text, 'COPY').split(' ')
  expect(matchesGlob(made, source!.replace('${TARGETARCH}', architecture))).toBe(true)
  const ignored = readFileSync(join(ROOT, 'packaging/.dockerignore'), 'utf8').trim().split('\n')
  expect(ignored).toEqual(['*', '!dist/*.deb'])
})

test('it runs a command that there is', () => {
  const [command] = dockerWords(text, 'CMD')
  expect(COMMANDS.map(({ name }) => name)).toContain(command)
})
