/** `GET /isos/<name>/...` and `/loaders/<file>`: parts of an ISO unchanged, and loaders for UEFI HTTP boot. Catalogue names only. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { loaderFileFor } from '../boot/plan.ts'
import { kernelSegments } from '../iso/attempt-files.ts'
import type { IsoEntry } from '../iso/catalogue.ts'
import type { Ipv4 } from '../kit/ipv4.ts'
import type { Segment } from '../kit/segments.ts'
import { type BootContext, clientAddress } from './context.ts'
import type { Part } from './counts.ts'
import { tellRefusal } from './refusal.ts'
import { sendFile } from './send-file.ts'

function partOf(iso: IsoEntry, part: string): Segment[] | undefined {
  switch (part) {
    case 'vmlinuz':
      return kernelSegments(iso)
    case 'initrd.img':
      return [{ from: 'file', path: iso.path, offset: iso.initrd.offset, length: iso.initrd.length }]
    case 'proxmox.iso':
      return [{ from: 'file', path: iso.path, offset: 0, length: iso.size }]
    default:
      return undefined
  }
}

/** What a machine's progress calls them. */
const PROGRESS_OF: Record<string, Exclude<Part, 'loader'>> = {
  vmlinuz: 'kernel',
  'initrd.img': 'initrd',
  'proxmox.iso': 'iso',
}

export function addIsoFiles(app: FastifyInstance, context: BootContext): void {
  const { registry, macAt } = context
  app.get('/isos/:name/:part', async (request, reply) => {
    const { name, part } = request.params as { name: string; part: string }
    const iso = context.catalogue.entries().find(entry => entry.file === name || entry.file === `${name}.iso`)
    const segments = iso && partOf(iso, part)
    if (!iso || !segments) {
      tellRefusal(context, 'file', 'no-such-file', { address: clientAddress(request.socket.remoteAddress) })
      return reply
        .code(404)
        .type('text/plain')
        .send('no such file in the library; see `rackrise check` for the ISOs there are\n')
    }
    const mac = macAt(clientAddress(request.socket.remoteAddress))
    const machine = mac && registry.byMac(mac)
    return sendFile(context, request, reply, {
      part: PROGRESS_OF[part]!,
      segments,
      contentType: 'application/octet-stream',
      onProgress(sent, total) {
        if (machine) registry.heard(machine.id, { file: PROGRESS_OF[part]!, sent, total })
      },
    })
  })
}

/** @param loaders name to path and size, from a listing of the loaders folder */
export function addLoaders(
  app: FastifyInstance,
  context: BootContext,
  loaders: ReadonlyMap<string, { path: string; size: number }>,
): void {
  const { registry, macAt } = context
  const tell = (address: Ipv4, file: string, bytes: number): void => {
    const mac = macAt(address)
    const machine = mac && registry.byMac(mac)
    if (machine)
      registry.inBackground(machine.id, registry.record(machine.id, { type: 'loader-sent', file, bytes }, 'http'))
  }
  const send = async (request: FastifyRequest, reply: FastifyReply, name: string): Promise<unknown> => {
    const loader = loaders.get(loaderFileFor(name, loaders) ?? '')
    // By then the client may have closed.
    const address = clientAddress(request.socket.remoteAddress)
    if (!loader) {
      tellRefusal(context, 'file', 'no-such-file', { address })
      return reply.code(404).type('text/plain').send('no such loader; see boot.loaders in the site file\n')
    }
    const segments: Segment[] = [{ from: 'file', path: loader.path, offset: 0, length: loader.size }]
    return sendFile(context, request, reply, {
      part: 'loader',
      segments,
      contentType: 'application/efi',
      onComplete: bytes => tell(address, name, bytes),
    })
  }
  app.get('/loaders/:file', (request, reply) => send(request, reply, (request.params as { file: string }).file))
  // shim looks for GRUB beside itself.
  app.get('/loaders/grub/*', (request, reply) => {
    const file = (request.params as { '*': string })['*'].replace(/^[\\/]+/, '')
    return send(request, reply, `grub/${file}`)
  })
}
