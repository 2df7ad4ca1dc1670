/** `GET /boot.ipxe`: the boot script of one machine, and the fact that it was told so. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { unfitFor } from '../boot/fitness.ts'
import { type Inquiry, readInquiry } from '../boot/inquiry.ts'
import { memoryTestIn, menuScript } from '../boot/menu.ts'
import { type LoaderNames, type ScriptPlan, scriptPlan } from '../boot/plan.ts'
import { introduceScript, installScript, isForPeople, localDiskScript } from '../boot/script.ts'
import { IDENTITY_PARAMETERS } from '../boot/urls.ts'
import { silentReason } from '../boot/view.ts'
import { type IsoEntry, memoryNeeded } from '../iso/catalogue.ts'
import { isProblem } from '../kit/is-problem.ts'
import type { Ipv4 } from '../kit/ipv4.ts'
import type { Mac } from '../kit/mac.ts'
import type { Problem } from '../kit/problem.ts'
import type { AttemptId } from '../machine/event.ts'
import type { Machine } from '../machine/lifecycle.ts'
import { clientAddress, type HttpContext, standsAt } from './context.ts'

/** A script for an iPXE that did not say who it is: ask again, with its MAC. */
const WHO_ARE_YOU = introduceScript(`/boot.ipxe?mac=\${netX/mac}&${IDENTITY_PARAMETERS}`)

const SILENT = {
  blocked: 'this machine is blocked; `rackrise machine approve` is the way out\n',
  ignored: 'this machine is not in the site file, and boot.unknown is "ignore"; list it\n',
} as const

/** Who asks, from where, and what it says. */
type Asker = { mac: Mac; address: Ipv4; inquiry: Inquiry }

/** What an attempt boots. */
type Image = { iso: IsoEntry; kernelArgs: readonly string[] }

function imageOf({ site, catalogue }: HttpContext, profileName: string): Image | Problem {
  const profile = site.profiles.get(profileName)
  if (!profile)
    return {
      code: 'no-profile',
      message: `profile "${profileName}" is no longer in the site file`,
      hint: 'put it back, or start another attempt',
      severity: 'error',
    }
  const iso = catalogue.find(profile.iso)
  return isProblem(iso) ? iso : { iso, kernelArgs: profile.kernelArgs }
}

/** The long name is the image's word for itself: letters only, since `${` and line ends mean something in a script. */
function nameOf({ release }: IsoEntry): string {
  return `${release.productLong.replaceAll(/[^A-Za-z0-9 ]/g, '')} ${release.release}`
}

function installText(
  { registry, urls }: HttpContext,
  machine: Machine,
  { mac, inquiry }: Asker,
  attempt: AttemptId,
  { iso, kernelArgs }: Image,
): string {
  return installScript({
    attempt,
    title: `${nameOf(iso)} on ${registry.titleOf(machine)}`,
    kernelUrl: urls.kernel(attempt),
    initrdUrl: urls.initrd(attempt),
    kernelArgs,
    loadFailedUrl: urls.loadFailed(mac),
    ...(inquiry.choice ? {} : { menuUrl: urls.chosen(mac, 'menu') }),
  })
}

async function localDisk(context: HttpContext, machine: Machine, { mac, inquiry }: Asker): Promise<string> {
  const { registry, urls, log } = context
  const now = registry.byMac(mac) ?? machine
  const chosen = inquiry.choice === 'disk'
  const state = now.state === 'approved' || now.state === 'booting' ? 'held' : now.state
  const attempt = now.attempt && state !== 'held' ? { attempt: now.attempt.id } : {}
  const fact = { type: 'local-disk-told', ...attempt, ...(chosen ? { chosen } : {}) } as const
  if (!inquiry.diskFailed) await registry.record(now.id, fact, 'http')
  else log.info({ machine: registry.titleOf(now) }, 'its local disk did not boot')
  const title = registry.titleOf(now)
  const because = chosen ? 'chosen' : state
  const why = now.reason === undefined ? [] : [`Reason: ${now.reason}`]
  const advice =
    because === 'held'
      ? [`Approve it: rackrise machine approve ${title}`]
      : [...why, `See more: rackrise machine timeline ${title}`]
  return localDiskScript({
    because,
    title,
    ...(isForPeople(because) ? { advice } : {}),
    diskFailedUrl: chosen ? `${urls.chosen(mac, 'disk')}&disk=failed` : urls.diskFailed(mac),
    diskFailed: inquiry.diskFailed,
    ...(inquiry.choice ? {} : { menuUrl: urls.chosen(mac, 'menu') }),
  })
}

async function giveUp(
  context: HttpContext,
  machine: Machine,
  asker: Asker,
  attempt: AttemptId,
  reason: string,
): Promise<string> {
  await context.registry.record(machine.id, { type: 'gave-up', attempt, reason }, 'http')
  return localDisk(context, machine, asker)
}

/** An iPXE that came by our own address is asked what else it is, once: what it cannot boot is not begun. */
async function install(
  context: HttpContext,
  machine: Machine,
  asker: Asker,
  plan: Extract<ScriptPlan, { do: 'install' }>,
): Promise<string> {
  const { registry, urls } = context
  const { inquiry, mac, address } = asker
  const { attempt, resumed } = plan
  const image = imageOf(context, plan.profile)
  if (isProblem(image)) return giveUp(context, machine, asker, attempt, `${image.message}; ${image.hint}`)
  if (inquiry.canDescribe && !inquiry.description) return introduceScript(urls.described(mac, inquiry.choice))
  const { iso } = image
  const demand = { file: iso.file, architecture: iso.release.arch, memoryBytes: memoryNeeded(iso) }
  const unfit = unfitFor(demand, inquiry.description ?? {})
  if (unfit !== undefined) return giveUp(context, machine, asker, attempt, unfit)
  await registry.record(machine.id, { type: 'script-served', attempt, address, resumed }, 'http')
  return installText(context, machine, asker, attempt, image)
}

async function scriptFor(context: HttpContext, machine: Machine, asker: Asker): Promise<string> {
  const { registry, clock } = context
  const { failed, diskFailed, choice } = asker.inquiry
  if (failed && machine.attempt) {
    await registry.record(machine.id, { type: 'load-failed', attempt: machine.attempt.id, ...failed }, 'http')
  }
  if (choice === 'disk') return localDisk(context, machine, asker)
  const plan = scriptPlan(registry.byMac(asker.mac) ?? machine, clock.now(), diskFailed)
  switch (plan.do) {
    case 'give-up':
      return giveUp(context, machine, asker, plan.attempt, plan.reason)
    case 'local-disk':
      return localDisk(context, machine, asker)
    case 'install':
      return install(context, machine, asker, plan)
  }
}

function menuFor(context: HttpContext, machine: Machine, { mac }: Asker, loaders: LoaderNames): string {
  const { registry, urls, clock } = context
  const plan = scriptPlan(machine, clock.now(), false)
  const image = plan.do === 'install' ? imageOf(context, plan.profile) : undefined
  const title = registry.titleOf(machine)
  return menuScript({
    title,
    ...(image && !isProblem(image) ? { installs: nameOf(image.iso) } : {}),
    approveWith: `rackrise machine ${machine.state === 'installed' ? 'reinstall' : 'approve'} ${title}`,
    diskUrl: urls.chosen(mac, 'disk'),
    installUrl: urls.chosen(mac, 'install'),
    memoryTest: memoryTestIn(loaders, file => urls.loader(file)),
  })
}

/** The NIC that asks, if it stands where it says; else what it is told, sent already. */
function askerOf(context: HttpContext, request: FastifyRequest, reply: FastifyReply): Asker | undefined {
  const { registry, log } = context
  const address = clientAddress(request.socket.remoteAddress)
  const inquiry = readInquiry(request.raw.url?.split('?').slice(1).join('?') ?? '')
  const mac = inquiry.mac ?? context.macAt(address)
  if (!mac) {
    // Who was asked already and has no Ethernet address (InfiniBand has 20 octets) would be asked for ever.
    if (inquiry.saysMac)
      void reply.code(400).send('mac is not the address of an Ethernet NIC; boot from one, or send mac=${netX/mac}\n')
    else void reply.send(WHO_ARE_YOU)
    return undefined
  }
  // One that nobody knows yet has to stand there, too: else one client could fill the fleet with machines that do not exist.
  if (!standsAt(context, registry.byMac(mac)?.macs ?? [mac], address)) {
    log.warn(
      { mac, address, reason: 'address-mismatch' },
      'a boot script was asked for from an address where the machine does not stand',
    )
    void reply.code(403).send(`${mac} does not stand at ${address}; boot it from the network of this appliance\n`)
    return undefined
  }
  return { mac, address, inquiry }
}

/** @param loaders what the folder of loaders holds */
export function addBootScript(app: FastifyInstance, context: HttpContext, loaders: LoaderNames): void {
  const { registry, site, log } = context
  // No HEAD: asking for a script makes something true of a machine, and looking at its head must not.
  app.get('/boot.ipxe', { exposeHeadRoute: false }, async (request: FastifyRequest, reply) => {
    void reply.type('text/plain; charset=utf-8').header('cache-control', 'no-store')
    const asker = askerOf(context, request, reply)
    if (!asker) return reply
    const { mac, address, inquiry } = asker
    if (!registry.admits(mac)) {
      log.warn({ mac, address, reason: 'too-many-strangers' }, 'too many unknown machines to remember another one')
      return localDiskScript({
        because: 'held',
        title: mac,
        advice: ['Too many unknown machines: list it in the site file'],
        diskFailedUrl: context.urls.diskFailed(mac),
        diskFailed: inquiry.diskFailed,
      })
    }
    const machine = await registry.sight({ macs: [mac], ...inquiry.identity }, 'http')
    const silent = silentReason(machine, registry.listing(machine), site.boot.unknown)
    if (silent) return reply.code(403).send(SILENT[silent])
    registry.heard(machine.id)
    return inquiry.choice === 'menu' ? menuFor(context, machine, asker, loaders) : scriptFor(context, machine, asker)
  })
}
