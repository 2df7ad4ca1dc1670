/**
 * The smallest UEFI application that speaks: a PE32+ image (Microsoft PE format; UEFI 2.10 §2.1.1) made by hand, which
 * writes one line to the first serial port and switches the machine off through ResetSystem.
 */

const FILE_ALIGNMENT = 0x200
const SECTION_ALIGNMENT = 0x1000
const HEADER_BYTES = FILE_ALIGNMENT
const CODE_ADDRESS = SECTION_ALIGNMENT

export function efiProgram(line: string): Buffer {
  const code = Buffer.from(INSTRUCTIONS)
  const program = Buffer.concat([code, Buffer.from(`${line}\0`, 'latin1')])
  if (program.length > FILE_ALIGNMENT) throw new RangeError(`${program.length} bytes do not fit one section`)
  return Buffer.concat([headers(program.length), program, Buffer.alloc(FILE_ALIGNMENT - program.length)])
}

/** Called with the image handle in rcx and the system table in rdx (UEFI 2.10 §2.3.4.1). Jumps are relative. */
const BODY = [
  ...[0x48, 0x83, 0xec, 0x28], //             sub rsp, 0x28         shadow space, and 16-byte alignment
  ...[0x48, 0x89, 0xd7], //                   mov rdi, rdx          the system table
  0xfc, //                                    cld
]
const AFTER_LEA = [
  // next:
  0xac, //                                    lodsb
  ...[0x84, 0xc0], //                         test al, al
  ...[0x74, 0x14], //                         jz off
  ...[0x88, 0xc4], //                         mov ah, al
  ...[0x66, 0xba, 0xfd, 0x03], //             mov dx, 0x3FD         line status of COM1
  // wait:
  0xec, //                                    in al, dx
  ...[0xa8, 0x20], //                         test al, 0x20         is the transmitter empty?
  ...[0x74, 0xfb], //                         jz wait
  ...[0x88, 0xe0], //                         mov al, ah
  ...[0x66, 0xba, 0xf8, 0x03], //             mov dx, 0x3F8         data of COM1
  0xee, //                                    out dx, al
  ...[0xeb, 0xe7], //                         jmp next
  // off:
  ...[0x48, 0x8b, 0x47, 0x58], //             mov rax, [rdi+0x58]   SystemTable.RuntimeServices (§4.3.1)
  ...[0xb9, 0x02, 0x00, 0x00, 0x00], //       mov ecx, 2            EfiResetShutdown
  ...[0x31, 0xd2], //                         xor edx, edx          EFI_SUCCESS
  ...[0x45, 0x31, 0xc0], //                   xor r8d, r8d          no data
  ...[0x45, 0x31, 0xc9], //                   xor r9d, r9d
  ...[0xff, 0x50, 0x68], //                   call [rax+0x68]       RuntimeServices.ResetSystem (§4.5.1)
  // halt:
  0xf4, //                                    hlt
  ...[0xeb, 0xfd], //                         jmp halt
]
const INSTRUCTIONS = [
  ...BODY,
  ...[0x48, 0x8d, 0x35, AFTER_LEA.length, 0, 0, 0], // lea rsi, [rip+n]  the text lies behind the code
  ...AFTER_LEA,
]

function headers(programBytes: number): Buffer {
  const head = Buffer.alloc(HEADER_BYTES)
  head.write('MZ', 0, 'latin1')
  head.writeUInt32LE(0x40, 0x3c)
  head.write('PE\0\0', 0x40, 'latin1')
  fileHeader().copy(head, 0x44)
  const optional = optionalHeader()
  optional.copy(head, 0x58)
  sectionHeader(programBytes).copy(head, 0x58 + optional.length)
  return head
}

function fileHeader(): Buffer {
  const header = Buffer.alloc(20)
  header.writeUInt16LE(0x8664, 0) // x86-64
  header.writeUInt16LE(1, 2) // one section
  header.writeUInt16LE(240, 16) // size of the optional header
  header.writeUInt16LE(0x22, 18) // executable, may lie above 2 GiB; it may be moved, since nothing in it is absolute
  return header
}

function optionalHeader(): Buffer {
  const header = Buffer.alloc(240)
  header.writeUInt16LE(0x20b, 0) // PE32+
  header.writeUInt32LE(FILE_ALIGNMENT, 4) // size of code
  header.writeUInt32LE(CODE_ADDRESS, 16) // entry point
  header.writeUInt32LE(CODE_ADDRESS, 20) // base of code
  header.writeUInt32LE(SECTION_ALIGNMENT, 32)
  header.writeUInt32LE(FILE_ALIGNMENT, 36)
  header.writeUInt32LE(2 * SECTION_ALIGNMENT, 56) // size of the image in memory
  header.writeUInt32LE(HEADER_BYTES, 60)
  header.writeUInt16LE(10, 68) // subsystem: EFI application
  header.writeUInt32LE(16, 108) // data directories, all of them empty
  return header
}

function sectionHeader(programBytes: number): Buffer {
  const header = Buffer.alloc(40)
  header.write('.text', 0, 'latin1')
  header.writeUInt32LE(programBytes, 8)
  header.writeUInt32LE(CODE_ADDRESS, 12)
  header.writeUInt32LE(FILE_ALIGNMENT, 16)
  header.writeUInt32LE(HEADER_BYTES, 20)
  header.writeUInt32LE(0x60000020, 36) // code, executable, readable
  return header
}
