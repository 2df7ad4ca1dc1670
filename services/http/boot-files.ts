/** `GET /boot/<attempt>/vmlinuz`, `/initrd.img` and `/proxmox.iso`: kernel, wrapped initrd and injected ISO of one attempt, made on the wire out of the ISO file. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { attemptInitrd, attemptIso, kernelSegments } from '../iso/attempt-files.ts'
import type { IsoEntry } from '../iso/catalogue.ts'
import { understandsToken, renderModeFile } from '../iso/mode-file.ts'
import { isProblem } from '../kit/is-problem.ts'
import type { Ipv4 } from '../kit/ipv4.ts'
import type { Problem } from '../kit/problem.ts'
import type { Segment } from '../kit/segments.ts'
import type { AttemptId } from '../machine/event.ts'
import type { Machine } from '../machine/lifecycle.ts'
import type { Progress } from '../machine/progress.ts'
import { type BootContext, clientAddress, type HttpContext, standsAt } from './context.ts'
import { tellRefusal } from './refusal.ts'
import type { Reason } from './reasons.ts'
import type { Part } from './counts.ts'
import { sendFile } from './send-file.ts'

type Found = { machine: Machine; attempt: AttemptId; iso: IsoEntry }
type NotFound = { code: number; reason: Reason; text: string }

/** What an attempt can fetch. */
type AttemptPart = Exclude<Part, 'loader'>

/** A machine may still be loading after the stall alarm; nobody else has business here. */
function findAttempt(context: HttpContext, id: string, address: Ipv4): Found | NotFound {
  const machine = context.registry.byAttempt(id)
  const attempt = machine?.attempt
  if (!machine || !attempt || (machine.state !== 'booting' && machine.state !== 'stalled'))
    return {
      code: 404,
      reason: 'no-such-attempt',
      text: 'no such attempt is booting; power-cycle the machine for a new boot script\n',
    }
  if (!standsAt(context, machine.macs, address))
    return {
      code: 403,
      reason: 'address-mismatch',
      text: 'this attempt belongs to another address; boot the machine by DHCP of this appliance\n',
    }
  const profile = context.site.profiles.get(attempt.profile)
  const iso: IsoEntry | Problem | undefined = profile && context.catalogue.find(profile.iso)
  if (!iso || isProblem(iso))
    return {
      code: 404,
      reason: iso ? 'no-iso' : 'no-profile',
      text: iso
        ? `${iso.message}; ${iso.hint}\n`
        : `profile "${attempt.profile}" is no longer in the site file; put it back, or start another attempt\n`,
    }
  return { machine, attempt: attempt.id, iso }
}

/**
 * Where another server gives the addresses, nobody sends option 250, and its DNS server knows nothing of us: the mode file names the answer URL itself. Like
 * the bearer token it goes to the machine at that address only, and never through a broadcast.
 */
function modeFileOf({ site, registry, urls, certificate }: HttpContext, { attempt, iso }: Found): string {
  const token = understandsToken(iso.release) ? { token: registry.token(attempt, 'bearer') } : {}
  const where =
    site.dhcp.mode === 'server'
      ? {}
      : { url: urls.answer(registry.token(attempt, 'answer')), certFingerprint: certificate.tell() }
  return renderModeFile(iso.release, { ...where, ...token })
}

async function segmentsOf(context: HttpContext, found: Found, part: AttemptPart): Promise<Segment[] | Problem> {
  if (part === 'kernel') return kernelSegments(found.iso)
  const modeFile = modeFileOf(context, found)
  return part === 'iso' ? attemptIso(found.iso, modeFile) : attemptInitrd(found.iso, modeFile)
}

/** The same bytes for a loader that knows no HTTP; undefined, with the reason in the log, where there are none for who asks. */
export async function attemptFile(
  context: HttpContext,
  attempt: string,
  part: 'kernel' | 'initrd',
  address: Ipv4,
): Promise<Segment[] | undefined> {
  const found = findAttempt(context, attempt, address)
  const segments = 'code' in found ? undefined : await segmentsOf(context, found, part)
  if (segments && !isProblem(segments)) return segments
  if ('code' in found) tellRefusal(context, 'file', found.reason, { address, part })
  else if (segments) tellRefusal(context, 'file', 'no-iso', { address, part, error: segments.message })
  return undefined
}

function reached(progress: Progress | undefined, file: Progress['file']): number {
  return progress?.file === file ? progress.sent : 0
}

export function addBootFiles(app: FastifyInstance, context: BootContext): void {
  const { registry } = context
  // The ISO by itself is told as what it stands for: the large part, whose progress people watch.
  const serve = async (request: FastifyRequest, reply: FastifyReply, file: AttemptPart): Promise<unknown> => {
    const part = file === 'kernel' ? 'kernel' : 'initrd'
    const address = clientAddress(request.socket.remoteAddress)
    const found = findAttempt(context, (request.params as { attempt: string }).attempt, address)
    if ('code' in found) {
      tellRefusal(context, 'file', found.reason, { address, part: file })
      return reply.code(found.code).type('text/plain').send(found.text)
    }
    const { machine, attempt } = found
    const segments = await segmentsOf(context, found, file)
    if (isProblem(segments)) {
      tellRefusal(context, 'file', 'no-iso', { address, part: file, error: segments.message })
      return reply.code(500).type('text/plain').send(`${segments.message}; ${segments.hint}\n`)
    }
    let begun: number | undefined
    let goesOn = false
    return sendFile(context, request, reply, {
      part: file,
      segments,
      contentType: 'application/octet-stream',
      onProgress(sent, total) {
        if (begun === undefined) {
          begun = sent
          if (part === 'initrd')
            registry.inBackground(
              machine.id,
              registry.record(machine.id, { type: 'initrd-started', attempt, bytes: total }, 'http'),
            )
          return registry.heard(machine.id)
        }
        // A range that does not go on where the machine was is a look at the file, and says nothing about how far it is.
        goesOn ||= begun <= reached(registry.progress(machine), part)
        registry.heard(machine.id, goesOn ? { file: part, sent, total } : undefined)
      },
      onComplete(bytes) {
        if (!goesOn) return
        registry.inBackground(
          machine.id,
          registry.record(
            machine.id,
            { type: part === 'kernel' ? 'kernel-sent' : 'initrd-sent', attempt, bytes },
            'http',
          ),
        )
      },
    })
  }
  app.get('/boot/:attempt/vmlinuz', (request, reply) => serve(request, reply, 'kernel'))
  app.get('/boot/:attempt/initrd.img', (request, reply) => serve(request, reply, 'initrd'))
  app.get('/boot/:attempt/proxmox.iso', (request, reply) => serve(request, reply, 'iso'))
}
