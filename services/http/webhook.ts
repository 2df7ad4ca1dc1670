/** `POST /webhook/<token>`: the installer says that it is done. Answered at once with 200; anything else strands the machine (L11). */
import type { FastifyInstance } from 'fastify'
import { type InstallationReport, parseReport } from '../answer/webhook.ts'
import { isProblem } from '../kit/is-problem.ts'
import type { Installed } from '../machine/event.ts'
import type { Machine } from '../machine/lifecycle.ts'
import { WriteFailure } from '../store/turn-writer.ts'
import { tellRefusal } from './refusal.ts'
import { clientAddress, type HttpContext, keepDocument, standsAt } from './context.ts'

function installedOf(report: InstallationReport): Installed {
  const { fqdn, machineId, management, product, kernel, sshHostKeys } = report
  const name = product && `${product.name}${product.version ? ` ${product.version}` : ''}`
  return {
    ...(fqdn ? { fqdn } : {}),
    ...(machineId ? { machineId } : {}),
    ...(management?.address ? { address: management.address } : {}),
    ...(name ? { product: name } : {}),
    ...(kernel ? { kernel } : {}),
    hostKeys: sshHostKeys,
  }
}

/** As often as it is tried, while the state can not be written. */
const AGAIN_MS = 5_000
const TRIES_MOST = 720

/** It has installed, whatever our disk does: another reply would leave it in a shell. What it reported is written down as soon as that goes. */
function keepLater(context: HttpContext, machine: Machine, keep: () => Promise<void>, error: unknown, tries = 1): void {
  const { clock, log } = context
  const lost = { mac: machine.id, error: String(error) }
  if (!(error instanceof WriteFailure) || tries >= TRIES_MOST)
    return log.error(lost, 'its report is lost: it could not be written')
  if (tries === 1) tellRefusal(context, 'report', 'store-failed', lost)
  clock.after(AGAIN_MS, () => void keep().catch((next: unknown) => keepLater(context, machine, keep, next, tries + 1)))
}

export function addWebhook(app: FastifyInstance, context: HttpContext): void {
  const { registry, log } = context
  app.post('/webhook/:token', { bodyLimit: 1024 * 1024 }, async (request, reply) => {
    const machine = registry.byToken((request.params as { token: string }).token, 'webhook')
    void reply.type('text/plain; charset=utf-8')
    const address = clientAddress(request.socket.remoteAddress)
    if (!machine?.attempt) {
      tellRefusal(context, 'report', 'unknown-token', { address })
      return reply
        .code(404)
        .send('no installation is reported here: its attempt is over or never was; see `rackrise machine timeline`\n')
    }
    if (!standsAt(context, machine.macs, address)) {
      tellRefusal(context, 'report', 'address-mismatch', { mac: machine.id, address })
      return reply.code(403).send('this report has to come from the address of the machine\n')
    }
    const body = (request.body as Buffer | undefined) ?? new Uint8Array()
    const report = parseReport(body)
    // The token proves the attempt; a body we can't read is no reason to leave a finished machine in a shell.
    if (isProblem(report)) log.warn({ mac: machine.id, code: report.code }, report.message)
    const installed = isProblem(report) ? {} : installedOf(report)
    const fact = { type: 'reported', attempt: machine.attempt.id, installed } as const
    const keep = async (): Promise<void> => {
      await Promise.all([keepDocument(context, machine, 'report', body), registry.record(machine.id, fact, 'webhook')])
    }
    await keep().catch((error: unknown) => {
      if (!(error instanceof WriteFailure)) throw error
      keepLater(context, machine, keep, error)
    })
    context.counts.decided({ route: 'report', outcome: 'taken' })
    return reply.send('thank you\n')
  })
}
