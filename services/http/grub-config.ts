/** GRUB's configuration of one machine: by TFTP, and for a GRUB that knows HTTP by `GET /grub/<file>`. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
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
      return grubDescribe()
    case 'install': {
      const { attempt, image, title } = told
      return grubInstall({ attempt, title: `${nameOf(image.iso)} on ${title}`, kernelArgs: image.kernelArgs, source })
    }
    case 'local-disk': {
      const { do: _, ...disk } = told
      return grubLocalDisk({ ...disk, diskFailed: inquiry.diskFailed })
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

/** How long an announced configuration waits for being fetched, in milliseconds. */
const ANNOUNCED_MS = 10_000
const ANNOUNCED_MOST = 1000

/**
 * GRUB that was loaded by UEFI HTTP Boot asks for the head first and for the file then: one question, which is decided once. So HEAD tells of
 * a decision here, and the GET that follows brings it.
 */
export function addGrubConfig(app: FastifyInstance, context: HttpContext): void {
  const announced = new Map<string, { text: string; until: number }>()
  const decide = async (key: string, file: string, address: Ipv4): Promise<string | undefined> => {
    const before = announced.get(key)
    announced.delete(key)
    return before && context.clock.elapsed() < before.until
      ? before.text
      : grubConfig(context, `grub/${file}`, address, 'http')
  }
  const answer = async (request: FastifyRequest, reply: FastifyReply): Promise<unknown> => {
    const { file } = request.params as { file: string }
    const address = clientAddress(request.socket.remoteAddress)
    const key = `${address} ${file}`
    const text = await decide(key, file, address)
    if (text === undefined)
      return reply.code(404).type('text/plain').send('there is no such configuration for who asks\n')
    if (request.method === 'HEAD') {
      if (announced.size >= ANNOUNCED_MOST) announced.clear()
      announced.set(key, { text, until: context.clock.elapsed() + ANNOUNCED_MS })
    }
    reply.hijack()
    const head = { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' }
    reply.raw.writeHead(200, { ...head, [CONTENT_LENGTH]: Buffer.byteLength(text) })
    reply.raw.end(request.method === 'HEAD' ? undefined : text)
    return reply
  }
  app.get('/grub/:file', { exposeHeadRoute: false }, answer)
  app.head('/grub/:file', answer)
}
