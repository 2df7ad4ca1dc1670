/** Images of foreign makers, in every form that they have: each file is found with its bytes, or the image is refused with words. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { inspectFile } from '../../services/iso/catalogue.ts'
import { findFile, type IsoImage, readImage } from '../../services/iso/iso9660.ts'
import { isProblem } from '../../services/kit/is-problem.ts'
import { CD_INFO } from '../iso/small-image.ts'

let work: string
beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), 'rackrise-makers-'))
  makeTree()
})
afterAll(() => rmSync(work, { recursive: true, force: true }))

/** As the root of a Proxmox image, with what makers find hard: hidden names, blanks, long names, many files, deep folders, empty files. */
const FILES: Record<string, Buffer> = {
  '/.cd-info': Buffer.from(CD_INFO),
  '/.disk/info': Buffer.from(CD_INFO),
  '/.pve-cd-id.txt': Buffer.from('4c4c4544-0037-4b10-8032-b7c04f583933\n'),
  '/auto-installer-capable': Buffer.alloc(0),
  '/auto-installer-mode.toml': Buffer.from('mode = "partition"\npartition_label = "ANSWERS"\n'),
  '/answer.toml': Buffer.from('[global]\n'),
  '/boot/linux26': Buffer.alloc(70_001, 'k'),
  '/boot/initrd.img': Buffer.alloc(5_001, 'i'),
  '/boot/grub/grub.cfg': Buffer.from('set timeout=5\n'),
  '/efi boot.img': Buffer.alloc(65_536, 'e'),
  '/one/two/three/four/five/six/file': Buffer.from('deep'),
  ...Object.fromEntries(
    Array.from({ length: 200 }, (_, index) => [
      `/proxmox/packages/a-package-with-a-long-name_${index}.0-1+deb13u1_amd64.deb`,
      Buffer.from(`package ${index}`),
    ]),
  ),
}

function makeTree(): void {
  for (const [path, bytes] of Object.entries(FILES)) {
    mkdirSync(join(work, 'tree', path, '..'), { recursive: true })
    writeFileSync(join(work, 'tree', path), bytes)
  }
  symlinkSync('answer.toml', join(work, 'tree', 'link'))
  writeFileSync(join(work, 'tree/boot/eltorito.img'), Buffer.alloc(2048, 'b'))
}

type Maker = 'genisoimage' | 'xorriso'

function make(maker: Maker, name: string, options: string[]): string {
  const file = join(work, `${name}.iso`)
  const as = maker === 'xorriso' ? ['-as', 'mkisofs'] : []
  execFileSync(maker, [...as, '-quiet', '-V', 'PVE', ...options, '-o', file, join(work, 'tree')], { stdio: 'pipe' })
  return file
}

async function openImage(file: string): Promise<IsoImage> {
  const bytes = readFileSync(file)
  const image = await readImage(async (offset, length) => bytes.subarray(offset, offset + length), bytes.length)
  if (isProblem(image)) throw new Error(image.message)
  return image
}

const sum = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

const ELTORITO = ['-b', 'boot/eltorito.img', '-no-emul-boot', '-boot-load-size', '4', '-boot-info-table']
const GPT = ['-eltorito-alt-boot', '-e', 'boot/grub/grub.cfg', '-no-emul-boot', '-isohybrid-gpt-basdat']
const APPENDED = ['-append_partition', '2', '0xef']

const WHOLE: [string, Maker, string[]][] = [
  ['genisoimage, Rock Ridge', 'genisoimage', ['-R']],
  ['genisoimage, Joliet', 'genisoimage', ['-J', '-joliet-long']],
  ['genisoimage, both', 'genisoimage', ['-R', '-J']],
  ['genisoimage, both and UDF', 'genisoimage', ['-R', '-J', '-udf']],
  ['genisoimage, El Torito', 'genisoimage', ['-R', '-J', ...ELTORITO, '-c', 'boot/boot.cat']],
  ['genisoimage, ISO 9660:1999', 'genisoimage', ['-R', '-J', '-iso-level', '4']],
  ['genisoimage, names as they are', 'genisoimage', ['-R', '-U']],
  ['genisoimage, transparent names tables', 'genisoimage', ['-R', '-J', '-T']],
  ['xorriso, Rock Ridge', 'xorriso', ['-R']],
  ['xorriso, Joliet', 'xorriso', ['-J', '-joliet-long', '-no-pad']],
  ['xorriso, both', 'xorriso', ['-R', '-J', '-iso-level', '3']],
  ['xorriso, El Torito and GPT', 'xorriso', ['-R', '-J', ...ELTORITO, ...GPT]],
  ['xorriso, El Torito, GPT and a partition behind the volume', 'xorriso', ['-R', ...ELTORITO, ...GPT, ...APPENDED]],
  ['xorriso, ISO 9660:1999', 'xorriso', ['-R', '-J', '-iso-level', '4']],
  ['xorriso, HFS+ and APM', 'xorriso', ['-R', '-J', '-hfsplus', '-apm-block-size', '2048']],
]

test.each(WHOLE)('%s: every file is found with its bytes', async (name, maker, options) => {
  const efi = join(work, 'tree', 'efi boot.img')
  const all = options.flatMap(option => (option === '0xef' ? [option, efi] : [option]))
  const file = make(maker, name.replaceAll(/[^a-z0-9]/gi, '-'), all)
  const image = await openImage(file)
  const bytes = readFileSync(file)
  for (const [path, content] of Object.entries(FILES)) {
    const found = await findFile(image, path)
    expect([path, found && sum(bytes.subarray(found.offset, found.offset + found.length))]).toEqual([
      path,
      sum(content),
    ])
  }
  expect(await findFile(image, '/link')).toBeUndefined()
  expect(await inspectFile(file)).toMatchObject({
    result: {
      release: { product: 'pve', release: '9.2', isorelease: '1', arch: 'amd64' },
      autoInstallCapable: true,
      modeFile: { mode: 'partition', partitionLabel: 'ANSWERS' },
      baked: { modeFile: true, answer: true, firstBoot: false },
      kernel: { length: 70_001 },
      initrd: { length: 5_001 },
    },
    problems: [{ code: 'iso-baked-partition', severity: 'warning' }],
  })
})

test.each<[string, Maker, string[], string]>([
  ['names of eight and three only', 'genisoimage', [], 'iso-no-long-names'],
  ['names of thirty-one only', 'genisoimage', ['-l', '-allow-lowercase'], 'iso-no-long-names'],
])('%s: refused, with words', async (name, maker, options, code) => {
  const file = make(maker, name.replaceAll(' ', '-'), options)
  expect(await inspectFile(file)).toMatchObject({ problems: [{ code, place: { file } }] })
})

test('folders that were moved away because they lay too deep do not hide the others', async () => {
  const deep = '/a/b/c/d/e/f/g/h/i/file'
  mkdirSync(join(work, 'tree', deep, '..'), { recursive: true })
  writeFileSync(join(work, 'tree', deep), 'too deep')
  try {
    const image = await openImage(make('genisoimage', 'moved', ['-R']))
    expect(await findFile(image, deep)).toBeUndefined()
    expect(await findFile(image, '/boot/linux26')).toMatchObject({ length: 70_001 })
  } finally {
    rmSync(join(work, 'tree', 'a'), { recursive: true })
  }
})
