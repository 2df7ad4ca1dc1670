/** What firmware and iPXE take from the ACK that ends their exchange. */
import { parseIpv4, UNSPECIFIED, type Ipv4 } from '../../kit/ipv4.ts'
import { OPTION, textOption, type Reply } from './dhcp-message.ts'

export type BootReply =
  | { ok: true; server: Ipv4; file: string }
  /** `nothing`: nothing to boot was offered, which is no mistake by itself. */
  | { ok: false; nothing: boolean; reason: string }

const wrong = (reason: string): BootReply => ({ ok: false, nothing: false, reason })

/** Some ROMs count a NUL into option 67; it is no part of the name. */
function fileOf(reply: Reply): { file: string } | { disagree: string } {
  const option = textOption(reply, OPTION.bootFile)?.replace(/\0+$/, '')
  if (option && reply.file && option !== reply.file)
    return { disagree: `option 67 says ${option}, the file field ${reply.file}` }
  return { file: option || reply.file }
}

function serverOf(reply: Reply): Ipv4 | undefined {
  if (reply.siaddr !== UNSPECIFIED) return reply.siaddr
  return parseIpv4(textOption(reply, OPTION.tftpServer)?.replace(/\0+$/, '') ?? '')
}

function readFirmware(reply: Reply, file: string): BootReply {
  // PXE 2.1 §2.2: an answer to a PXE client says so, or strict ROMs ignore what it offers.
  if (!textOption(reply, OPTION.vendorClass)?.startsWith('PXEClient'))
    return wrong('DHCP (firmware): a boot file came without option 60 PXEClient')
  if (/^https?:/i.test(file)) return wrong(`DHCP (firmware): ${file} is not for TFTP`)
  const server = serverOf(reply)
  return server ? { ok: true, server, file } : wrong('DHCP (firmware): a boot file came without a next-server')
}

export function readBootReply(speaker: 'firmware' | 'ipxe', reply: Reply): BootReply {
  const read = fileOf(reply)
  if ('disagree' in read) return wrong(`DHCP (${speaker}): ${read.disagree}`)
  if (read.file === '') return { ok: false, nothing: true, reason: `DHCP (${speaker}): no boot file was offered` }
  if (speaker === 'firmware') return readFirmware(reply, read.file)
  // A loader again would load itself for ever.
  if (!/^http:/i.test(read.file))
    return wrong(`DHCP (ipxe): ${read.file} is no boot script: iPXE was sent to a loader again`)
  return { ok: true, server: reply.siaddr, file: read.file }
}
