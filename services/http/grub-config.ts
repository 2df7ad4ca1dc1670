/** GRUB's configuration of one machine: by TFTP, and for a GRUB that knows HTTP by `GET /grub/<file>`. */
import type { FastifyInstance } from 'fastify'
import { type GrubSource, grubDescribe, grubInstall, grubLocalDisk, readGrubName } from '../boot/grub.ts'
import { loaderKindOf } from '../boot/view.ts'
import type { Ipv4 } from '../kit/ipv4.ts'
import { type Mac, parseMac } from '../kit/mac.ts'
import type { Segment } from '../kit/segments.ts'
import type { EventSource } from '../machine/event.ts'
import type { Machine } from '../machine/lifecycle.ts'
import { attemptFile } from './boot-files.ts'
import { clientAddress, type HttpContext } from './context.ts'
import { CONTENT_LENGTH } from './send-file.ts'
import { admit, type Asker, decideScript, nameOf, tellStranger, type Told } from './script-decision.ts'

/** Behind a router of another server's network nobody can see who stands at an address; then GRUB's own word for it is tried. */
function macIn(name: string): Mac | undefined {
  return parseMac(/grub\.cfg-01-([0-9A-Fa-f-]{17})$/.exec(name)?.[1] ?? '')
}

function textOf({ site }: HttpContext, { inquiry }: Asker, told: Told): string {
  const source: GrubSource = { address: site.network.address, httpPort: site.http.port }
  switch (told.do) {
    case 'describe':
      return grubDescribe(source)
    case 'install': {
      const { attempt, image, title } = told
      return grubInstall({ attempt, title: `${nameOf(image.iso)} on ${title}`, kernelArgs: image.kernelArgs, source })
    }
    case 'local-disk': {
      const { do: _, ...disk } = told
      return grubLocalDisk({ ...disk, source, diskFailed: inquiry.diskFailed })
    }
  }
}

function loadsGrub({ registry, site }: HttpContext, machine: Machine): boolean {
  return loaderKindOf(machine, registry.listing(machine), site) === 'grub'
}

/** Kernel or initrd for a GRUB that knows no HTTP. */
export async function grubFile(
  context: HttpContext,
  attempt: string,
  part: 'kernel' | 'initrd',
  address: Ipv4,
): Promise<Segment[] | undefined> {
  const machine = context.registry.byAttempt(attempt)
  return machine && loadsGrub(context, machine) ? attemptFile(context, attempt, part, address) : undefined
}

/**
 * The same decisions, events and guards as for iPXE; undefined where there is no such configuration, or none for who asks.
 * @param name of the catalogue, as `grub/grub.cfg`
 */
export async function grubConfig(
  context: HttpContext,
  name: string,
  address: Ipv4,
  by: EventSource,
): Promise<string | undefined> {
  const inquiry = readGrubName(name)
  const mac = inquiry && (context.macAt(address) ?? macIn(name))
  if (!inquiry || !mac) return undefined
  const asker: Asker = { mac, address, inquiry, by }
  const machine = await admit(context, asker)
  if (!machine) return context.site.boot.loader === 'grub' ? textOf(context, asker, tellStranger(asker)) : undefined
  // By TFTP anybody can ask in another's name, so only machines that load GRUB are spoken for in this way.
  if ('refused' in machine || !loadsGrub(context, machine)) return undefined
  return textOf(context, asker, await decideScript(context, machine, asker))
}

export function addGrubConfig(app: FastifyInstance, context: HttpContext): void {
  app.get('/grub/:file', { exposeHeadRoute: false }, async (request, reply) => {
    const { file } = request.params as { file: string }
    const address = clientAddress(request.socket.remoteAddress)
    const text = await grubConfig(context, `grub/${file}`, address, 'http')
    if (text === undefined)
      return reply.code(404).type('text/plain').send('there is no such configuration for who asks\n')
    reply.hijack()
    const head = { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' }
    reply.raw.writeHead(200, { ...head, [CONTENT_LENGTH]: Buffer.byteLength(text) }).end(text)
    return reply
  })
}
