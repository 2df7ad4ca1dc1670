/** The command line of one QEMU machine, as a pure function: firmware as it comes from a factory, network first, then disk. */
import { join } from 'node:path'
import type { LabMachine } from '../rack-plan.ts'
import { QEMU, SECURE_CODE, UEFI_CODE } from './requirements.ts'
import { DISK_SLOT, NIC_SLOT } from './uefi-variables.ts'

export type Acceleration = 'kvm' | 'tcg'

export type QemuMachineRequest = Omit<LabMachine, 'approve'> & {
  /** A tap device that is up and in a bridge; absent: a machine without network. */
  tap?: string
  /** For disk, firmware variables and the serial log; made if it is not there. Everything in it is kept. */
  folder: string
  /** 1024 carries a 64 MB ISO; see the manual for real ones. */
  memoryMiB: number
  diskMiB: number
  accel: Acceleration
  /** A command that runs the rest of its arguments elsewhere, such as `ip netns exec lab`. It must `exec`. */
  enter?: readonly string[]
}

/** Descriptors that a machine is started with, beside the usual three: QEMU's control protocol, and frames out and in. */
export const DESCRIPTORS = { control: 3, framesOut: 4, framesIn: 5 } as const

export function diskFile(request: QemuMachineRequest): string {
  return join(request.folder, 'disk.img')
}

export function variablesFile(request: QemuMachineRequest): string {
  return join(request.folder, 'uefi-variables.fd')
}

/** A BIOS machine's boot code is iPXE and says so, which that of real NICs does not: its frames go through `unmarked.ts`. */
export function isUnmarked(request: QemuMachineRequest): boolean {
  return request.firmware === 'bios' && request.tap !== undefined
}

export function commandLine(request: QemuMachineRequest): string[] {
  return [
    ...(request.enter ?? []),
    // QEMU must not outlive the process that started it, however that one ends.
    ...['/usr/bin/setpriv', '--pdeathsig', 'KILL', '--', QEMU],
    ...accelerationOf(request.accel),
    ...['-smp', '1', '-m', `${request.memoryMiB}`, '-nodefaults', '-display', 'none', '-uuid', request.uuid],
    ...['-name', request.name.replaceAll(',', ',,')],
    ...['-smbios', `type=1,serial=${request.serial.replaceAll(',', ',,')},uuid=${request.uuid}`],
    ...['-object', 'rng-random,id=random,filename=/dev/urandom', '-device', 'virtio-rng-pci,rng=random'],
    ...['-chardev', 'stdio,id=serial,signal=off', '-serial', 'chardev:serial'],
    ...['-chardev', `socket,id=control,fd=${DESCRIPTORS.control}`, '-mon', 'chardev=control,mode=control'],
    ...firmwareOf(request),
    ...networkOf(request),
    ...['-drive', `file=${diskFile(request).replaceAll(',', ',,')},format=raw,if=none,id=disk`],
    ...['-device', `virtio-blk-pci,drive=disk,addr=${DISK_SLOT}${bootIndex(request, 2)}`],
  ]
}

function accelerationOf(accel: Acceleration): string[] {
  return accel === 'kvm' ? ['-accel', 'kvm', '-cpu', 'host'] : ['-accel', 'tcg,thread=multi', '-cpu', 'qemu64']
}

function firmwareOf(request: QemuMachineRequest): string[] {
  if (request.firmware === 'bios') {
    // graphics=off: SeaBIOS and iPXE speak on the serial port. After the last device it begins again, as servers do.
    return ['-machine', 'pc,graphics=off', '-boot', 'reboot-timeout=10000']
  }
  const flash = (unit: number, rest: string) => ['-drive', `if=pflash,format=raw,unit=${unit},${rest}`]
  // Variables that only firmware in system management mode may write; without suspend, which it cannot have with TCG.
  const secure = ['-global', 'driver=cfi.pflash01,property=secure,value=on', '-global', 'ICH9-LPC.disable_s3=1']
  return [
    ...(request.secureBoot ? ['-machine', 'q35,smm=on', ...secure] : ['-machine', 'q35']),
    ...flash(0, `readonly=on,file=${request.secureBoot ? SECURE_CODE : UEFI_CODE}`),
    ...flash(1, `file=${variablesFile(request).replaceAll(',', ',,')}`),
  ]
}

/** A BIOS takes the order from QEMU; UEFI has it in its variables. */
function bootIndex(request: QemuMachineRequest, index: number): string {
  return request.firmware === 'bios' ? `,bootindex=${index}` : ''
}

function networkOf(request: QemuMachineRequest): string[] {
  if (request.tap === undefined) return []
  const unmarked = isUnmarked(request)
  // OVMF has a virtio driver of its own; QEMU's ROM would bring iPXE in its place.
  const rom = request.firmware === 'uefi' ? ',romfile=' : ''
  return [
    // vnet_hdr=off: frames are plain Ethernet, without the 12 bytes that virtio puts in front.
    ...['-netdev', `tap,id=net,ifname=${request.tap},script=no,downscript=no${unmarked ? ',vnet_hdr=off' : ''}`],
    ...['-device', `virtio-net-pci,netdev=net,mac=${request.mac},addr=${NIC_SLOT}${bootIndex(request, 1)}${rom}`],
    ...(unmarked ? FILTER : []),
  ]
}

/** The name of the filter in QEMU. */
export const FILTER_ID = 'unmark'

/** Everything the machine sends (`queue=rx` of the netdev) leaves by one socket and comes back by another. */
const FILTER = [
  ...['-chardev', `socket,id=frames-out,fd=${DESCRIPTORS.framesOut}`],
  ...['-chardev', `socket,id=frames-in,fd=${DESCRIPTORS.framesIn}`],
  ...['-object', `filter-redirector,id=${FILTER_ID},netdev=net,queue=rx,indev=frames-in,outdev=frames-out`],
]
