/**
 * Linux's own isofs as a reader: a guest kernel under QEMU, since many hosts cannot mount images. The guest's initramfs
 * mounts images and prints a checksum of every file.
 */
import { execFileSync, spawn } from 'node:child_process'
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const GUEST_LIMIT_MS = 240_000
const END_MARK = 'ALL-IMAGES-READ'

/** Mounts an image twice: as it comes (Rock Ridge wins), and without Rock Ridge (Joliet wins). */
const INIT = `#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t devtmpfs dev /dev
for module in loop cdrom isofs; do insmod /modules/$module.ko; done
for image in /proxmox.iso /images/*.iso; do
  for how in rock norock; do
    options=loop,ro
    [ $how = norock ] && options=loop,ro,norock
    mkdir -p /mnt
    mount -t iso9660 -o $options $image /mnt || echo "@ $image $how FAILED"
    cd /mnt
    find . -type f | while read -r file; do
      echo "@ $image $how $(sha256sum "$file")"
    done
    cd /
    umount /mnt
  done
done
echo ${END_MARK}
reboot -f
`

export type Guest = { kernel: string; modules: string }

/** A kernel of this machine with its modules: Debian's has isofs as a module. */
export function findGuest(): Guest {
  for (const version of readdirSync('/lib/modules')) {
    const guest = { kernel: `/boot/vmlinuz-${version}`, modules: `/lib/modules/${version}/kernel` }
    if (existsSync(guest.kernel) && existsSync(join(guest.modules, 'fs/isofs/isofs.ko'))) return guest
  }
  throw new Error('no kernel with isofs in /boot and /lib/modules: install linux-image-amd64')
}

/** Writes a gzip-compressed initramfs that holds `images` and the reader above. */
export function writeGuestInitrd(guest: Guest, folder: string, images: string[], output: string): void {
  const root = join(folder, 'guest-root')
  for (const part of ['bin', 'modules', 'images', 'proc', 'dev']) mkdirSync(join(root, part), { recursive: true })
  copyFileSync('/usr/bin/busybox', join(root, 'bin/busybox'))
  for (const module of ['drivers/block/loop.ko', 'drivers/cdrom/cdrom.ko', 'fs/isofs/isofs.ko']) {
    copyFileSync(join(guest.modules, module), join(root, 'modules', module.split('/').at(-1)!))
  }
  for (const image of images) copyFileSync(image, join(root, 'images', image.split('/').at(-1)!))
  writeFileSync(join(root, 'init'), INIT)
  chmodSync(join(root, 'init'), 0o755)
  execFileSync('sh', ['-c', 'find . | cpio --quiet -o -H newc | gzip -1 > "$1"', 'sh', output], { cwd: root })
}

/** Everything the guest printed until it was done. */
export async function runGuest(kernel: string, initrd: string): Promise<string> {
  const machine = ['-accel', 'tcg', '-cpu', 'qemu64', '-m', '512', '-nodefaults', '-display', 'none', '-no-reboot']
  const boot = ['-serial', 'stdio', '-kernel', kernel, '-initrd', initrd, '-append', 'console=ttyS0 panic=-1 quiet']
  const qemu = spawn('qemu-system-x86_64', [...machine, ...boot], { stdio: ['ignore', 'pipe', 'inherit'] })
  const limit = setTimeout(() => qemu.kill('SIGKILL'), GUEST_LIMIT_MS)
  let printed = ''
  qemu.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text
  })
  await new Promise<void>((resolve, reject) => qemu.on('error', reject).on('close', () => resolve()))
  clearTimeout(limit)
  if (!printed.includes(END_MARK)) throw new Error(`the guest did not come to its end:\n${printed.slice(-3000)}`)
  return printed
}

/** Checksums by path for one image, sorted; `rock` as it comes, `norock` by Joliet or plain names. */
export function checksumsOf(printed: string, image: string, how: 'rock' | 'norock'): string[] {
  const lines = printed.split(/\r?\n/).filter(line => line.startsWith(`@ ${image} ${how} `))
  return lines.map(line => line.slice(`@ ${image} ${how} `.length)).toSorted()
}
