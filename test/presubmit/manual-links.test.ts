/** No link of any page leads nowhere, and the map of the manual leads to every page. */
import { existsSync, readdirSync, statSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'
import { expect, test } from 'vitest'
import { ROOT } from './source.ts'
import { anchorOf, PAGES, type Page } from '../docs/manual.ts'

type Link = { page: string; target: string }

/** Links within the repository; those to the world are not looked at. */
function linksOf(page: Page): Link[] {
  const bare = page.prose.replaceAll(/(`+).+?\1/g, '')
  return [...bare.matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, target]) =>
    /^[a-z]+:/.test(target!) ? [] : [{ page: page.path, target: target! }],
  )
}

const anchors = new Map(PAGES.map(page => [page.path, page.anchors]))

function problemOf({ page, target }: Link): string[] {
  const [file = '', anchor] = target.split('#')
  const path = file === '' ? page : normalize(join(dirname(page), file)).replace(/\/$/, '')
  if (!existsSync(join(ROOT, path))) return [`${page}: there is no ${path}`]
  if (anchor === undefined) return []
  const isFolder = statSync(join(ROOT, path)).isDirectory()
  return anchors.get(isFolder ? join(path, 'README.md') : path)?.has(anchor)
    ? []
    : [`${page}: ${path} has no heading #${anchor}`]
}

test('every link and anchor leads somewhere', () => {
  const links = PAGES.flatMap(linksOf)
  expect(links.length).toBeGreaterThan(100)
  expect(links.flatMap(problemOf)).toEqual([])
})

test('an anchor is what GitHub makes of a heading', () => {
  expect(
    ['What keeps your disks', '`not-approved`: nobody said yes', 'DHCP, DNS & TFTP', 'A [link](x.md)'].map(anchorOf),
  ).toEqual(['what-keeps-your-disks', 'not-approved-nobody-said-yes', 'dhcp-dns--tftp', 'a-link'])
})

test('the map, or the entrance, links every page and every example of the manual', () => {
  const maps = PAGES.filter(({ path }) => path === 'docs/README.md' || path === 'README.md')
  const linked = new Set(
    maps.flatMap(map =>
      linksOf(map).map(({ target }) => normalize(join(dirname(map.path), target.split('#')[0]!)).replace(/\/$/, '')),
    ),
  )
  const pages = PAGES.map(({ path }) => path).filter(
    path => path.startsWith('docs/') && !/^docs\/(README\.md|examples\/.*)$/.test(path),
  )
  const examples = readdirSync(join(ROOT, 'docs/examples'), { withFileTypes: true }).flatMap(entry =>
    entry.isDirectory() ? [relative(ROOT, join(ROOT, 'docs/examples', entry.name))] : [],
  )
  expect([...pages, ...examples].filter(path => !linked.has(path))).toEqual([])
})
