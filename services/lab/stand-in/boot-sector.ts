/** A master boot record: 16-bit code, one partition, signature. The BIOS loads it to 0x7C00 and jumps there. */

/** EFI system partition (UEFI 2.10 §5.2.2): what makes firmware look for a boot loader in it. */
const EFI_SYSTEM = 0xef
const LOADED_AT = 0x7c00
const PARTITION_TABLE = 446

export function bootSector(line: string, partition: { start: number; blocks: number }): Buffer {
  const code = Buffer.from(instructions(0))
  const text = Buffer.from(`${line}\0`, 'latin1')
  const program = Buffer.concat([Buffer.from(instructions(LOADED_AT + code.length)), text])
  if (program.length > PARTITION_TABLE) throw new RangeError(`${program.length} bytes of code do not fit a boot record`)
  const sector = Buffer.alloc(512)
  program.copy(sector)
  sector[PARTITION_TABLE] = 0x80
  // Cylinder, head and sector of both ends: 0xFEFFFF is "beyond them", block numbers count (UEFI 2.10 §5.2.1).
  Buffer.from([0xfe, 0xff, 0xff, EFI_SYSTEM, 0xfe, 0xff, 0xff]).copy(sector, PARTITION_TABLE + 1)
  sector.writeUInt32LE(partition.start, PARTITION_TABLE + 8)
  sector.writeUInt32LE(partition.blocks, PARTITION_TABLE + 12)
  sector.writeUInt16LE(0xaa55, 510)
  return sector
}

function instructions(text: number): number[] {
  const low = (value: number) => value & 0xff
  return [
    ...[0x31, 0xc0], //                       xor ax, ax
    ...[0x8e, 0xd8], //                       mov ds, ax          the text lies in segment 0
    ...[0x8e, 0xd0], //                       mov ss, ax
    ...[0xbc, 0x00, 0x7c], //                 mov sp, 0x7C00      the stack grows down from the code
    0xfc, //                                  cld
    ...[0xbe, low(text), text >> 8], //       mov si, text
    // next:
    0xac, //                                  lodsb
    ...[0x84, 0xc0], //                       test al, al
    ...[0x74, 0x11], //                       jz off
    ...[0x88, 0xc4], //                       mov ah, al
    ...[0xba, 0xfd, 0x03], //                 mov dx, 0x3FD       line status of COM1
    // wait:
    0xec, //                                  in al, dx
    ...[0xa8, 0x20], //                       test al, 0x20       is the transmitter empty?
    ...[0x74, 0xfb], //                       jz wait
    ...[0x88, 0xe0], //                       mov al, ah
    ...[0xb2, 0xf8], //                       mov dl, 0xF8        data of COM1
    0xee, //                                  out dx, al
    ...[0xeb, 0xea], //                       jmp next
    // off: Advanced Power Management 1.2, §4.6; a BIOS without it comes back with an error and is halted
    ...[0xb8, 0x01, 0x53], //                 mov ax, 0x5301      connect to the real-mode interface
    ...[0x31, 0xdb], //                       xor bx, bx          of the APM BIOS itself
    ...[0xcd, 0x15], //                       int 0x15
    ...[0xb8, 0x0e, 0x53], //                 mov ax, 0x530E      we speak
    ...[0x31, 0xdb], //                       xor bx, bx
    ...[0xb9, 0x02, 0x01], //                 mov cx, 0x0102      version 1.2
    ...[0xcd, 0x15], //                       int 0x15
    ...[0xb8, 0x07, 0x53], //                 mov ax, 0x5307      set power state
    ...[0xbb, 0x01, 0x00], //                 mov bx, 1           of all devices
    ...[0xb9, 0x03, 0x00], //                 mov cx, 3           to off
    ...[0xcd, 0x15], //                       int 0x15
    // halt:
    0xfa, //                                  cli
    0xf4, //                                  hlt
    ...[0xeb, 0xfc], //                       jmp halt
  ]
}
