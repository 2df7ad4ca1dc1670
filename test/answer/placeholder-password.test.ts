import { expect, test } from 'vitest'
import { validateText } from '../../services/answer/validate-text.ts'
import { PVE } from './samples.ts'

test.each([
  ['in its place', 'root-password-hashed = "{{password.random}}"', []],
  ['in clear', 'root-password = "{{password.random}}"', ['random-password-misplaced']],
])('a layer with a random password, as `answer validate` sees it: %s', (_, line, codes) => {
  const { problems } = validateText(`[global]\n${line}\n`, 'base.toml', PVE, 'layer')
  expect(problems.map(({ code }) => code)).toEqual(codes)
})
