import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ROOT } from '../../packaging/bundle.ts'
import { debianChangelog, newestItems } from '../../packaging/changelog.ts'
import { noticeOf, noticeText, packageOf } from '../../packaging/licences.ts'
import { manualPages, roff } from '../../packaging/manual-pages.ts'
import { markdownPage } from '../../packaging/markdown-page.ts'
import { checkIntegrity, lockedPackage } from '../../packaging/registry.ts'
import { installedSiteFile } from '../../packaging/site-file.ts'
import { COMMANDS } from '../../services/cli/run.ts'
import { parseSite } from '../../services/site/parse.ts'
import { NO_INTERFACES } from '../site/sites.ts'

const read = (name: string): string => readFileSync(join(ROOT, name), 'utf8')

describe('the site file', () => {
  test('is the commented one, and loads with the paths of an installed system', () => {
    const parsed = parseSite(installedSiteFile(read('config/site.toml')), '/etc/rackrise/site.toml', NO_INTERFACES)
    expect(parsed).toMatchObject({
      site: { paths: { isos: '/srv/rackrise/isos', answers: '/etc/rackrise/answers', state: '/var/lib/rackrise' } },
    })
  })

  test('a line that is gone, or there twice, is no package', () => {
    expect(() => installedSiteFile('isos = "elsewhere"\n')).toThrow('not exactly one line isos = "isos"')
    expect(() => installedSiteFile('isos = "isos"\nisos = "isos"\n')).toThrow('not exactly one line')
  })
})

describe('what npm fetches', () => {
  test('is pinned for both architectures', () => {
    const lock = read('package-lock.json')
    for (const cpu of ['x64', 'arm64'])
      for (const name of [`node-linux-${cpu}`, `@koromix/koffi-linux-${cpu}`])
        expect(lockedPackage(name, lock).integrity).toMatch(/^sha512-/)
    expect(() => lockedPackage('node-linux-vax', lock)).toThrow('does not pin node-linux-vax')
  })

  test('is not used if a single octet differs', () => {
    const integrity = 'sha512-MJ7MSJwS1utMxA9QyQLytNDtd+5RGnx6m808qG1M2G+YndNbxf9JlnDaNCVbRbDP2DDoH2Bdz33FVC6TrpzXbw=='
    expect(() => checkIntegrity('it', Buffer.from('hello world'), integrity)).not.toThrow()
    expect(() => checkIntegrity('it', Buffer.from('hello worle'), integrity)).toThrow('is not what package-lock.json')
  })
})

test('the changelog has the newest section only, its lines short, in the form of dch', () => {
  const markdown = `# Changelog\n\n## Unreleased\n\n- One.\n- ${'word '.repeat(30).trim()}\n\n## 0.1.0\n\n- Old.\n`
  const release = { version: '0.2.0', maintainer: 'A <a@b.example>', at: new Date(0), items: newestItems(markdown) }
  expect(debianChangelog(release)).toBe(`rackrise (0.2.0) unstable; urgency=medium

  * One.
  * ${'word '.repeat(15).trim()}
    ${'word '.repeat(15).trim()}

 -- A <a@b.example>  Thu, 01 Jan 1970 00:00:00 +0000
`)
})

describe('licences', () => {
  test.each([
    ['node_modules/zod/v4/index.js', 'node_modules/zod'],
    ['node_modules/@fastify/swagger/index.js', 'node_modules/@fastify/swagger'],
    ['node_modules/fastify/node_modules/semver/a.js', 'node_modules/fastify/node_modules/semver'],
    ['services/main.ts', undefined],
  ])('%s belongs to %s', (module, folder) => {
    expect(packageOf(module)).toBe(folder)
  })

  test('the notice has each package once, with the text that came with it', () => {
    const zod = noticeOf('node_modules/zod')
    expect(zod).toMatchObject({ name: 'zod', licence: 'MIT' })
    const text = noticeText([zod, noticeOf('node_modules/fastify'), zod])
    expect(text.match(/^(zod|fastify) [0-9.]+: MIT$/gm)).toHaveLength(2)
    expect(text).toContain('Permission is hereby granted, free of charge')
  })
})

describe('manual pages', () => {
  const about = { date: '2026-11-26', version: '1.2.3' }

  test('nothing in a text is taken as an instruction', () => {
    expect(roff("a\\b --all\n.TH\n'so x")).toBe("a\\eb \\-\\-all\n\\&.TH\n\\&'so x")
  })

  test('every command has one, which names each of its options', () => {
    const pages = manualPages(COMMANDS, about)
    expect(pages.map(({ name }) => name)).toEqual(['rackrise', ...COMMANDS.map(({ name }) => `rackrise-${name}`)])
    for (const command of COMMANDS) {
      const { text } = pages.find(({ name }) => name === `rackrise-${command.name}`)!
      for (const option of [...Object.keys(command.options), 'config', 'json', 'help'])
        expect(text).toContain(`\\fB\\-\\-${roff(option)}\\fR`)
    }
  })

  test('Markdown of the reference becomes sections, items and tables', () => {
    const page = markdownPage(
      '# T\n\n<!-- made -->\n\nA [b](c.md).\n\n## `x`\n\n- Default: `1`\n\n| a | b |\n|---|---|\n',
      {
        ...{ name: 'x.toml', section: 5, summary: 'what it is' },
        ...about,
      },
    )
    expect(page.text).toBe(`.TH "X.TOML" 5 "2026-11-26" "Rackrise 1.2.3" "Rackrise"
.SH NAME
x.toml \\- what it is
.SH DESCRIPTION
A b.
.SH "\\fBx\\fR"
.IP \\(bu 2
Default: \\fB1\\fR
.TP
a
b
.SH "SEE ALSO"
.BR rackrise (1) ,
.BR rackrise\\-check (1)
`)
  })
})
