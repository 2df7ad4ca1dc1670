/** `GET /first-boot/<token>`: the script that the installed system runs once. The installer cuts it at 1 MiB without a word, so we never send more. */
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import type { Ipv4 } from '../kit/ipv4.ts'
import type { AttemptId } from '../machine/event.ts'
import type { Machine } from '../machine/lifecycle.ts'
import { clientAddress, type HttpContext, standsAt } from './context.ts'
import { tellRefusal } from './refusal.ts'
import type { Reason } from './reasons.ts'

/** What the installer takes at most (it truncates silently beyond that). */
const FIRST_BOOT_MAX_BYTES = 1024 * 1024

type Script = { machine: Machine; attempt: AttemptId; body: Buffer }
type Refused = { code: number; reason: Reason; text: string; machine?: Machine }

const NOT_BOOTING = {
  code: 409,
  reason: 'not-booting',
  text: 'no installation of this machine is under way; see `rackrise machine show`\n',
} as const

async function findScript(context: HttpContext, token: string, address: Ipv4): Promise<Script | Refused> {
  const { registry, site } = context
  const machine = registry.byToken(token, 'first-boot')
  const attempt = machine?.attempt
  const script = attempt && site.profiles.get(attempt.profile)?.firstBoot
  if (!machine || !attempt || !script) {
    const text = 'no first-boot script is served here; its attempt is over, or its profile names none\n'
    return machine ? { code: 404, reason: 'no-script', text, machine } : { code: 404, reason: 'unknown-token', text }
  }
  // The stall alarm is for people: an installation that was answered goes on.
  const installing = machine.state === 'installing' || (machine.state === 'stalled' && attempt.answeredAt !== undefined)
  const refuse = (code: number, reason: Reason, text: string): Refused => ({ code, reason, text, machine })
  if (!installing) return { ...NOT_BOOTING, machine }
  if (!standsAt(context, machine.macs, address)) {
    const text = 'this script belongs to another address; boot the machine by DHCP of this appliance\n'
    return refuse(403, 'address-mismatch', text)
  }
  const path = join(site.paths.answers, script)
  const about = await stat(path).catch(() => undefined)
  const size = about?.isFile() ? about.size : undefined
  if (size === undefined)
    return refuse(404, 'no-script', `the first-boot script ${script} is missing; see the profile\n`)
  if (size > FIRST_BOOT_MAX_BYTES) {
    const cut = 'the installer would cut it, so make it fetch the rest itself'
    return refuse(500, 'script-too-large', `the first-boot script ${script} is larger than 1 MiB; ${cut}\n`)
  }
  return { machine, attempt: attempt.id, body: await readFile(path) }
}

/** Kept before it is sent. While the file was read somebody may have blocked the machine, or ordered another installation. */
async function keepServed({ registry }: HttpContext, found: Script | Refused): Promise<Script | Refused> {
  if ('code' in found) return found
  const { machine, attempt, body } = found
  const fact = { type: 'first-boot-served', attempt, bytes: body.length } as const
  const { anomaly } = await registry.record(machine.id, fact, 'http')
  return anomaly === undefined ? found : { ...NOT_BOOTING, machine }
}

export function addFirstBoot(app: FastifyInstance, context: HttpContext): void {
  app.get('/first-boot/:token', { exposeHeadRoute: false }, async (request, reply) => {
    void reply.type('text/plain; charset=utf-8').header('cache-control', 'no-store')
    const address = clientAddress(request.socket.remoteAddress)
    const { token } = request.params as { token: string }
    const found = await keepServed(context, await findScript(context, token, address))
    if ('code' in found) {
      const who = found.machine ? { mac: found.machine.id } : {}
      tellRefusal(context, 'first-boot', found.reason, { ...who, address })
      return reply.code(found.code).send(found.text)
    }
    context.counts.decided({ route: 'first-boot', outcome: 'served' })
    return reply.send(found.body)
  })
}
