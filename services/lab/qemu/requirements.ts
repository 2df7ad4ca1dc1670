/** What QEMU machines need of the host. */
import { missingPackages, type Need } from '../packages.ts'

export { aptLine, missingPackagesProblem } from '../packages.ts'

export const QEMU = '/usr/bin/qemu-system-x86_64'
export const UEFI_CODE = '/usr/share/OVMF/OVMF_CODE_4M.fd'
export const UEFI_VARIABLES = '/usr/share/OVMF/OVMF_VARS_4M.fd'

/** Of the same package: built with system management mode, and Microsoft's keys in the variables. */
export const SECURE_CODE = '/usr/share/OVMF/OVMF_CODE_4M.secboot.fd'
export const SECURE_VARIABLES = '/usr/share/OVMF/OVMF_VARS_4M.ms.fd'

const NEEDS: Need[] = [
  { file: QEMU, package: 'qemu-system-x86' },
  // The virtio NIC's network boot code for a BIOS.
  { file: '/usr/lib/ipxe/qemu/pxe-virtio.rom', package: 'ipxe-qemu' },
  { file: UEFI_CODE, package: 'ovmf' },
  { file: UEFI_VARIABLES, package: 'ovmf' },
  // What firmware loads from the appliance.
  { file: '/usr/lib/ipxe/undionly.kpxe', package: 'ipxe' },
  { file: '/usr/lib/ipxe/snponly.efi', package: 'ipxe' },
  { file: '/usr/bin/setpriv', package: 'util-linux' },
]

/** Debian packages that QEMU machines need and that are not there, in a stable order. */
export function missingForQemu(): Promise<string[]> {
  return missingPackages(NEEDS)
}
