/** `GET /first-boot/<token>`: the script that the installed system runs once. The installer cuts it at 1 MiB without a word, so we never send more. */
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { clientAddress, type HttpContext, standsAt } from './context.ts'

/** What the installer takes at most (it truncates silently beyond that). */
export const FIRST_BOOT_MAX_BYTES = 1024 * 1024

export function addFirstBoot(app: FastifyInstance, context: HttpContext): void {
  const { registry, site } = context
  app.get('/first-boot/:token', { exposeHeadRoute: false }, async (request, reply) => {
    const machine = registry.byToken((request.params as { token: string }).token, 'first-boot')
    const attempt = machine?.attempt
    const script = attempt && site.profiles.get(attempt.profile)?.firstBoot
    void reply.type('text/plain; charset=utf-8').header('cache-control', 'no-store')
    if (!machine || !attempt || !script)
      return reply
        .code(404)
        .send('no first-boot script is served here; its attempt is over, or its profile names none\n')
    // The stall alarm is for people: an installation that was answered goes on.
    const installing =
      machine.state === 'installing' || (machine.state === 'stalled' && attempt.answeredAt !== undefined)
    if (!installing)
      return reply.code(409).send('no installation of this machine is under way; see `rackrise machine show`\n')
    if (!standsAt(context, machine.macs, clientAddress(request.socket.remoteAddress)))
      return reply
        .code(403)
        .send('this script belongs to another address; boot the machine by DHCP of this appliance\n')
    const path = join(site.paths.answers, script)
    const about = await stat(path).catch(() => undefined)
    const size = about?.isFile() ? about.size : undefined
    if (size === undefined) return reply.code(404).send(`the first-boot script ${script} is missing; see the profile\n`)
    if (size > FIRST_BOOT_MAX_BYTES)
      return reply
        .code(500)
        .send(
          `the first-boot script ${script} is larger than 1 MiB; the installer would cut it, so make it fetch the rest itself\n`,
        )
    const body = await readFile(path)
    await registry.record(machine.id, { type: 'first-boot-served', attempt: attempt.id, bytes: body.length }, 'http')
    return reply.send(body)
  })
}
