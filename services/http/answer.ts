/**
 * `POST /answer`: system information in, answer out. The installer asks once and never again, so every way through here ends in a complete answer or in
 * one line of plain text that tells a person at its console what to do (installers from 9.2 on print it).
 */
import { hash } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type Authorisation, authorise, type Claim, refusalOf } from '../answer/authorise.ts'
import { dialectOf } from '../answer/dialect.ts'
import { type AnswerInput, asksForPassword, type ComposedAnswer, composeAnswer } from '../answer/answer.ts'
import { answerInputFor, profileDoubt } from '../answer/for-machine.ts'
import { NO_HASH } from '../answer/placeholders.ts'
import { firstKnown, sightingIn } from '../answer/told.ts'
import type { RenderedAnswer } from '../answer/render.ts'
import { parseSystemInformation, type SystemInformation } from '../answer/system-information.ts'
import { isProblem } from '../kit/is-problem.ts'
import type { Ipv4 } from '../kit/ipv4.ts'
import { formatProblem, type Problem } from '../kit/problem.ts'
import type { Fact, MachineEvent } from '../machine/event.ts'
import type { Machine } from '../machine/lifecycle.ts'
import type { SecretPurpose } from '../machine/secrets.ts'
import { siteNow } from '../site/live-site.ts'
import { clientAddress, type HttpContext, keepDocument, standsAt } from './context.ts'
import { alarmRefusal, tellRefusal } from './refusal.ts'
import type { Reason } from './reasons.ts'
import { isSiteToken } from './site-tokens.ts'

const MS_PER_SECOND = 1000

type Asking = { information: SystemInformation; body: Uint8Array; address: Ipv4; accept: string | undefined }

function tokenHolder(
  context: HttpContext,
  token: string | undefined,
  purpose: SecretPurpose,
): Machine | 'none' | 'unknown' {
  if (!token) return 'none'
  return context.registry.byToken(token, purpose) ?? 'unknown'
}

/** That of the attempt's mode file, or of an ISO that was prepared with a token that the site lists. */
async function bearerHolder(context: HttpContext, request: FastifyRequest): Promise<Claim['bearer']> {
  const bearer = /^Bearer (\S{1,200})$/i.exec(request.headers.authorization ?? '')?.[1]
  const holder = tokenHolder(context, bearer, 'bearer')
  if (holder !== 'unknown' || bearer === undefined) return holder
  return (await isSiteToken(context, bearer)) ? 'site' : 'unknown'
}

async function claimOf(context: HttpContext, request: FastifyRequest, asking: Asking): Promise<Claim> {
  return {
    information: asking.information,
    urlToken: tokenHolder(context, (request.params as { token?: string }).token, 'answer'),
    bearer: await bearerHolder(context, request),
    holder: context.macAt(asking.address),
    weGiveAddresses: context.site.dhcp.mode === 'server',
  }
}

/** The machine that stands at this address, else the first one whose MAC was posted. */
function machineOf(context: HttpContext, claim: Claim): Machine | undefined {
  const macs = [...(claim.holder ? [claim.holder] : []), ...claim.information.macs]
  return firstKnown(macs, context.registry)
}

/** Whoever asks for an answer and is nobody yet is seen now, so that an operator finds it in the list and can approve it. */
async function meet(context: HttpContext, claim: Claim, address: Ipv4): Promise<Machine | undefined> {
  const machine = machineOf(context, claim)
  const [first] = claim.information.macs
  if (machine || !first || !context.registry.admits(first)) return machine
  if (!standsAt(context, claim.information.macs, address)) return undefined
  return context.registry.sight(sightingIn(claim.information, claim.information.macs), 'answer')
}

/** Granted or not, an operator wants to see what was asked with. One transaction holds both. */
async function record(context: HttpContext, machine: Machine, asking: Asking, fact: Fact): Promise<MachineEvent> {
  const isThere = standsAt(context, machine.macs, asking.address)
  const [event] = await Promise.all([
    context.registry.record(machine.id, fact, 'answer'),
    isThere && keepDocument(context, machine, 'system-information', asking.body),
  ])
  return event
}

async function refuse(
  context: HttpContext,
  reply: FastifyReply,
  refused: Extract<Authorisation, { ok: false }>,
  asking: Asking,
): Promise<FastifyReply> {
  const { machine, reason } = refused
  const { address } = asking
  if (machine) {
    // The event is its line in the log.
    context.counts.refused('answer', reason)
    alarmRefusal(context, 'answer', reason, { mac: machine.id, address })
    await record(context, machine, asking, { type: 'answer-refused', reason, address })
  } else tellRefusal(context, 'answer', reason, { address })
  return reply.code(refused.status).send(`Rackrise: ${refused.message} (${reason})\n`)
}

async function fail(
  context: HttpContext,
  reply: FastifyReply,
  machine: Machine,
  asking: Asking,
  { code, reason }: Failure,
): Promise<FastifyReply> {
  context.counts.refused('answer', code)
  await record(context, machine, asking, { type: 'answer-failed', attempt: machine.attempt!.id, code, reason })
  const title = context.registry.titleOf(machine)
  const then = `when that is mended, run \`rackrise machine approve ${title}\` and power-cycle it`
  return reply.code(409).send(`Rackrise: no valid answer for ${title}: ${reason}; ${then}\n`)
}

/** Why the machine that was let in has no answer. */
type FailureReason = Extract<Reason, 'no-profile' | 'other-profile' | 'invalid-answer'>

/** What a console has room for. */
const PROBLEMS_MOST = 4

function problemLine(problems: readonly Problem[]): string {
  // Where the layers lie is nobody's business on the machine's console.
  const errors = problems
    .filter(({ severity }) => severity === 'error')
    .map(({ place: _, ...problem }) => formatProblem(problem))
  const more = errors.length - PROBLEMS_MOST
  return [...errors.slice(0, PROBLEMS_MOST), ...(more > 0 ? [`and ${more} more, see \`rackrise check\``] : [])].join(
    ' | ',
  )
}

/** The installer looks at the first letters of the type, and at their case. */
function bodyOf({ toml, json }: RenderedAnswer, wanted: 'toml' | 'json'): { type: string; body: string } {
  return json !== undefined && wanted === 'json'
    ? { type: 'application/json; charset=utf-8', body: json }
    : { type: 'application/toml; charset=utf-8', body: toml }
}

/**
 * The answer, with a random password's hash where the layers ask for one: that is made when all else is known to be right, since the password of
 * the system before is gone then. Where they have a password of their own, a random one before it is of no use any more.
 */
async function composeFor(
  { passwords }: HttpContext,
  machine: Machine,
  input: AnswerInput,
): Promise<ComposedAnswer | Problem[]> {
  const composed = composeAnswer({ ...input, passwordHash: NO_HASH })
  if (Array.isArray(composed)) return composed
  if (asksForPassword(input))
    return composeAnswer({ ...input, passwordHash: await passwords.hashFor(machine.id, machine.attempt!.id) })
  if (machine.password) await passwords.forget(machine.id)
  return composed
}

/** What it tells of itself. The machine that was authorised comes first: whose MAC else is posted must not choose whose answer this is. */
function learn({ registry }: HttpContext, machine: Machine, { information }: Asking): Promise<Machine> {
  const others = information.macs.filter(mac => mac !== machine.id)
  return registry.sight(sightingIn(information, [machine.id, ...others]), 'answer')
}

type Failure = { code: FailureReason; reason: string }
type Answer = ReturnType<typeof bodyOf>

/**
 * The answer, kept before it is sent: one that nobody knows of could never be told from a stolen one. `outdated` when the machine is not what was let in any
 * more: layers and passwords are waited for, and people do not wait.
 */
async function makeAnswer(
  context: HttpContext,
  machine: Machine,
  asking: Asking,
  withToken: boolean,
): Promise<Answer | Failure | 'outdated'> {
  const { registry, urls, certificate } = context
  // Layers are waited for: the whole answer is of the site that let the machine in.
  const site = siteNow(context.site)
  const attempt = machine.attempt!
  const { product, release } = asking.information
  const profile = site.profiles.get(attempt.profile)
  if (!profile) return { code: 'no-profile', reason: `profile "${attempt.profile}" is no longer in the site file` }
  const listing = registry.listing(machine)
  const otherProfile = profileDoubt(listing, attempt)
  if (otherProfile) return { code: 'other-profile', reason: otherProfile }
  const input = answerInputFor({
    machine,
    listing,
    profile,
    site,
    layers: await context.layers(),
    address: asking.address,
    dialect: dialectOf({ product, release, accept: asking.accept }),
    product,
    urls: {
      webhook: urls.webhook(registry.token(attempt.id, 'webhook')),
      firstBoot: urls.firstBoot(registry.token(attempt.id, 'first-boot')),
    },
    fingerprint: certificate.tell(),
  })
  const composed = await composeFor(context, machine, input)
  if (Array.isArray(composed)) return { code: 'invalid-answer', reason: problemLine(composed) }
  const { layers, leftOut, isFromDhcp } = composed
  const answer = bodyOf(composed, site.http.answerFormat)
  const sha256 = hash('sha256', answer.body)
  const { address } = asking
  // Where another server gives the addresses they are not ours to keep.
  const nic = isFromDhcp && site.dhcp.mode === 'server' ? context.macAt(address) : undefined
  const network = nic ? { staticOn: nic } : {}
  const fact = { type: 'answer-served', attempt: attempt.id, address, layers, sha256, leftOut, withToken } as const
  const password = asksForPassword(input) ? ({ randomPassword: true } as const) : {}
  const { anomaly } = await record(context, machine, asking, { ...fact, ...password, ...network })
  return anomaly === undefined ? answer : 'outdated'
}

/** Somebody blocked it, had it forgotten, or began another attempt while its answer was made: why it has none now. */
async function refuseNow(
  context: HttpContext,
  reply: FastifyReply,
  claim: Claim,
  { id }: Machine,
  asking: Asking,
): Promise<FastifyReply> {
  const now = context.registry.byId(id)
  const listing = now && context.registry.listing(now)
  const decision = authorise(claim, now, listing)
  // Of another attempt it is told nothing: that one has its own boot script and its own token.
  return refuse(context, reply, decision.ok ? refusalOf('unknown-token', now, listing) : decision, asking)
}

export function addAnswer(app: FastifyInstance, context: HttpContext): void {
  const handle = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    void reply.type('text/plain; charset=utf-8').header('cache-control', 'no-store')
    const body = (request.body as Buffer | undefined) ?? new Uint8Array()
    const information = parseSystemInformation(body)
    const address = clientAddress(request.socket.remoteAddress)
    if (isProblem(information)) {
      tellRefusal(context, 'answer', 'unreadable-information', { address, error: information.message })
      return reply.code(400).send(`Rackrise: ${information.message}; ${information.hint}\n`)
    }
    const asking: Asking = {
      information,
      body,
      address,
      accept: request.headers.accept ?? '',
    }
    const claim = await claimOf(context, request, asking)
    const machine = await meet(context, claim, asking.address)
    const decision = authorise(claim, machine, machine && context.registry.listing(machine))
    if (!decision.ok) return refuse(context, reply, decision, asking)
    // What it posts may show that it is not the only one of its name: then it is held by now.
    const known = await learn(context, decision.machine, asking)
    const still = authorise(claim, known, context.registry.listing(known))
    if (!still.ok) return refuse(context, reply, still, asking)
    const made = await makeAnswer(context, still.machine, asking, still.withToken)
    if (made === 'outdated') return refuseNow(context, reply, claim, still.machine, asking)
    if ('code' in made) return fail(context, reply, still.machine, asking, made)
    context.counts.decided({ route: 'answer', outcome: 'served' })
    return reply.type(made.type).send(made.body)
  }
  const timed = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const beganAt = context.clock.elapsed()
    const answered = await handle(request, reply)
    const outcome = reply.statusCode === 200 ? 'served' : 'refused'
    context.counts.answered(outcome, (context.clock.elapsed() - beganAt) / MS_PER_SECOND)
    return answered
  }
  app.post('/answer', timed)
  app.post('/answer/:token', timed)
  app.post('/api2/json/auto-install/answer', timed)
}
