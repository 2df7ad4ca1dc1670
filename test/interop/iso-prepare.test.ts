/**
 * Prepared images are what they say, to foreign programs: partition tables, El Torito and every file; they boot as their
 * originals do, from CD and from disk, by BIOS and by UEFI; a full disk leaves nothing behind.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { inspectFile } from '../../services/iso/catalogue.ts'
import { isProblem } from '../../services/kit/is-problem.ts'
import { rackrise } from '../cli/rig.ts'
import { CD_INFO } from '../iso/small-image.ts'
import { extracted, type Kind, KINDS, MODE_NAME } from './iso-images.ts'
import { findGuest } from './isofs-guest.ts'

const URL = 'https://10.0.0.1/answer'
const FINGERPRINT = 'ab'.repeat(32)
const BOOT_LIMIT_MS = 120_000

let work: string
beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), 'rackrise-interop-prepare-'))
})
afterAll(() => rmSync(work, { recursive: true, force: true }))

async function prepared(original: string): Promise<string> {
  const output = original.replace(/\.iso$/, '-prepared.iso')
  const options = ['--url', URL, '--cert-fingerprint', FINGERPRINT, '--output', output]
  const { status, err } = await rackrise(work, 'iso', 'prepare', original, '--fetch-from', 'http', ...options)
  expect([status, err]).toEqual([0, ''])
  return output
}

function xorriso(image: string, report: string): string[] {
  const { stdout } = spawnSync('xorriso', ['-indev', image, report, 'plain'], { encoding: 'utf8' })
  return stdout.trimEnd().split('\n')
}

/** What sgdisk finds wrong. */
function problemsOfGpt(image: string): string[] {
  const { stdout } = spawnSync('sgdisk', ['--verify', image], { encoding: 'utf8' })
  return stdout.split('\n').flatMap(line => /^(Problem: .*|Identified .*|No problems found)/.exec(line)?.[0] ?? [])
}

/** The partitions, without the lines whose numbers grow with the image: where it ends, and the last one's size. */
function partitions(image: string): string[] {
  return xorriso(image, '-report_system_area').filter(
    line => !/^(ISO image size|GPT lba range|System area|MBR (heads|secs))/.test(line),
  )
}

const made = new Map<string, { original: string; image: string }>()

/** Original and prepared image of a kind, made once. */
async function pairOf({ name, make }: Kind): Promise<{ original: string; image: string }> {
  const original = made.get(name)?.original ?? (await make(work))
  const pair = made.get(name) ?? { original, image: await prepared(original) }
  made.set(name, pair)
  return pair
}

const HYBRID = KINDS.filter(({ name }) => ['proxmox-like', 'isohybrid'].includes(name))
const OTHERS = KINDS.filter(({ name }) => ['crowded-joliet', 'genisoimage', 'exact', 'deep-moved'].includes(name))

test.each([...HYBRID, ...OTHERS])(
  '$name: every file is there, boot images are where they were, and we read it as prepared',
  async kind => {
    const { original, image } = await pairOf(kind)
    const before = extracted(work, original, 'any')
    const after = extracted(work, image, 'any')
    expect(after.files.filter(line => !line.endsWith(MODE_NAME))).toEqual(before.files)
    expect(after.files).toHaveLength(before.files.length + 1)
    expect(after.complaints).toEqual(before.complaints)
    expect(xorriso(image, '-report_el_torito')).toEqual(xorriso(original, '-report_el_torito'))
    const { result } = await inspectFile(image)
    if (isProblem(result)) throw new Error(result.message)
    expect(result.modeFile).toEqual({
      mode: 'http',
      partitionLabel: 'proxmox-ais',
      url: URL,
      certFingerprint: FINGERPRINT,
    })
  },
)

test.each(HYBRID)('$name: MBR and GPT are as true as in the original, and cover all of the image', async kind => {
  const { original, image } = await pairOf(kind)
  expect(problemsOfGpt(image)).toEqual(problemsOfGpt(original))
  const [before, after] = [partitions(original), partitions(image)]
  const changed = after.filter((line, at) => line !== before[at])
  expect(after).toHaveLength(before.length)
  // The protective or whole-image partition of the MBR, and the last one of the GPT.
  expect(changed.map(line => line.split(':')[0]!.trim())).toEqual(['MBR partition', 'GPT start and size'])
})

/** As Proxmox's menu decides: the automated entry is there if the mode file is on the medium (5.4 of the field's notes). */
const GRUB = `serial --unit=0
terminal_output serial
if [ -f /${MODE_NAME} ]; then
  echo AUTOMATED
  cat /${MODE_NAME}
else
  echo STOCK
fi
linux /boot/linux26 console=ttyS0 quiet panic=-1
initrd /boot/initrd.img
boot
`

/** Made by GRUB's own tool for BIOS and UEFI, with a kernel that runs and says so. */
function makeBootable(): string {
  const [source, init] = [join(work, 'bootable'), join(work, 'init')]
  for (const folder of [join(source, 'boot/grub'), join(init, 'bin')]) mkdirSync(folder, { recursive: true })
  copyFileSync(findGuest().kernel, join(source, 'boot/linux26'))
  copyFileSync('/usr/bin/busybox', join(init, 'bin/busybox'))
  writeFileSync(join(init, 'init'), '#!/bin/busybox sh\necho LINUX-RUNS\n/bin/busybox reboot -f\n')
  chmodSync(join(init, 'init'), 0o755)
  const pack = 'find . | cpio --quiet -o -H newc | gzip -1 > "$1"'
  execFileSync('sh', ['-c', pack, 'sh', join(source, 'boot/initrd.img')], { cwd: init })
  writeFileSync(join(source, 'boot/grub/grub.cfg'), GRUB)
  writeFileSync(join(source, '.cd-info'), CD_INFO)
  writeFileSync(join(source, 'auto-installer-capable'), '')
  execFileSync('grub-mkrescue', ['-o', `${source}.iso`, source, '--', '-volid', 'PVE'], { stdio: 'pipe' })
  return `${source}.iso`
}

/** What the machine prints on its serial line until it ends. */
async function boot(image: string, firmware: 'bios' | 'uefi', as: 'cd' | 'disk'): Promise<string> {
  const flash = (file: string, how: string) => ['-drive', `if=pflash,format=raw,${how},file=/usr/share/OVMF/${file}`]
  const machine = ['-accel', 'tcg', '-m', '512', '-nodefaults', '-display', 'none', '-no-reboot', '-serial', 'stdio']
  const uefi = [...flash('OVMF_CODE_4M.fd', 'readonly=on'), ...flash('OVMF_VARS_4M.fd', 'snapshot=on')]
  const medium = as === 'cd' ? ['-cdrom', image] : ['-drive', `file=${image},format=raw,snapshot=on`]
  const qemu = spawn('qemu-system-x86_64', [...machine, ...(firmware === 'uefi' ? uefi : []), ...medium], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const limit = setTimeout(() => qemu.kill('SIGKILL'), BOOT_LIMIT_MS)
  let printed = ''
  qemu.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text
  })
  await new Promise<void>((resolve, reject) => qemu.on('error', reject).on('close', () => resolve()))
  clearTimeout(limit)
  return printed
}

describe('an image made with GRUB', () => {
  let original: string
  let image: string
  beforeAll(async () => {
    original = makeBootable()
    image = await prepared(original)
  }, 60_000)

  test('has a GPT without problems', () => {
    expect(problemsOfGpt(image)).toEqual(['No problems found'])
  })

  test.each([
    ['bios', 'cd'],
    ['bios', 'disk'],
    ['uefi', 'cd'],
    ['uefi', 'disk'],
  ] as const)(
    'boots by %s from %s, and its boot menu sees the mode file',
    async (firmware, as) => {
      const printed = await boot(image, firmware, as)
      expect(printed).toContain('AUTOMATED')
      expect(printed).toContain(`url = "${URL}"`)
      expect(printed).toContain('LINUX-RUNS')
    },
    2 * BOOT_LIMIT_MS,
  )

  test(
    'the original boots the same way without it',
    async () => {
      const printed = await boot(original, 'bios', 'cd')
      expect(printed).toContain('STOCK')
      expect(printed).toContain('LINUX-RUNS')
    },
    2 * BOOT_LIMIT_MS,
  )
})

test('a full disk is told, and nothing is left behind', () => {
  const main = join(import.meta.dirname, '../../services/main.ts')
  const script = `mount -t tmpfs -o size=256k none "$1/full" && cp "$2" "$1/full-source.iso" || exit 9
"$3" "$4" iso prepare "$1/full-source.iso" --fetch-from http --output "$1/full/out.iso"
echo "status $?"; ls -A "$1/full"`
  mkdirSync(join(work, 'full'))
  const image = join(work, 'crowded-joliet.iso')
  const { stdout, stderr } = spawnSync(
    'unshare',
    ['--mount', 'sh', '-c', script, 'sh', work, image, process.execPath, main],
    { encoding: 'utf8', cwd: work },
  )
  expect(stderr).toMatch(
    /full\/out\.iso: error: no room for \S+ KiB; nothing was written; make room, or name another --output\n$/,
  )
  expect(stdout).toBe('status 1\n')
})
