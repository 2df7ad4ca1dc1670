/** `GET /boot.ipxe`: the boot script of one machine, and the fact that it was told so. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { scriptPlan } from '../boot/plan.ts'
import { type InstallScript, installScript, localDiskScript } from '../boot/script.ts'
import { silentReason } from '../boot/view.ts'
import type { IsoEntry } from '../iso/catalogue.ts'
import { isProblem } from '../kit/is-problem.ts'
import type { Ipv4 } from '../kit/ipv4.ts'
import { type Mac, parseMac } from '../kit/mac.ts'
import type { Problem } from '../kit/problem.ts'
import type { AttemptId } from '../machine/event.ts'
import { isPlaceholderSerial, isPlaceholderUuid } from '../site/identity.ts'
import type { Machine } from '../machine/lifecycle.ts'
import { clientAddress, type HttpContext, standsAt } from './context.ts'

/** A parameter that is given twice comes as a list, and counts as not given. */
type Query = { mac?: unknown; uuid?: unknown; serial?: unknown; product?: unknown; disk?: unknown }

const SAFE_SERIAL = /^[\w.:+/-]{1,64}$/
/** Model names have blanks, commas and brackets: `Standard PC (Q35 + ICH9, 2009)`. */
const SAFE_PRODUCT = /^[\w.:+/#(),-][\w .:+/#(),-]{0,63}$/
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** A script for an iPXE that did not say who it is: ask again, with its MAC. */
const WHO_ARE_YOU =
  '#!ipxe\nchain --replace /boot.ipxe?mac=${netX/mac}&uuid=${uuid}&serial=${serial:uristring}&product=${product:uristring}\n'

const SILENT = {
  blocked: 'this machine is blocked; `rackrise machine approve` is the way out\n',
  ignored: 'this machine is not in the site file, and boot.unknown is "ignore"; list it\n',
} as const

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function identityOf(query: Query): { uuid?: string; serial?: string; product?: string } {
  const uuid = textOf(query.uuid).toLowerCase()
  const serial = textOf(query.serial)
  const product = textOf(query.product).trim()
  return {
    ...(UUID.test(uuid) && !isPlaceholderUuid(uuid) ? { uuid } : {}),
    ...(SAFE_SERIAL.test(serial) && !isPlaceholderSerial(serial) ? { serial } : {}),
    ...(SAFE_PRODUCT.test(product) && !isPlaceholderSerial(product) ? { product } : {}),
  }
}

async function installText(
  context: HttpContext,
  machine: Machine,
  mac: Mac,
  attempt: AttemptId,
  profileName: string,
): Promise<string | Problem> {
  const profile = context.site.profiles.get(profileName)
  if (!profile)
    return {
      code: 'no-profile',
      message: `profile "${profileName}" is no longer in the site file`,
      hint: 'put it back, or start another attempt',
      severity: 'error',
    }
  const iso: IsoEntry | Problem = context.catalogue.find(profile.iso)
  if (isProblem(iso)) return iso
  const { registry, urls } = context
  const script: InstallScript = {
    attempt,
    // The long name is the image's word for itself: letters only, since `${` and line ends mean something in a script.
    title: `${iso.release.productLong.replaceAll(/[^A-Za-z0-9 ]/g, '')} ${iso.release.release} on ${registry.titleOf(machine)}`,
    kernelUrl: urls.kernel(attempt),
    initrdUrl: urls.initrd(attempt),
    kernelArgs: profile.kernelArgs,
    scriptUrl: urls.script(mac),
  }
  return installScript(script)
}

async function localDisk(context: HttpContext, machine: Machine, mac: Mac, diskFailed: boolean): Promise<string> {
  const { registry, urls, log } = context
  const now = registry.byMac(mac) ?? machine
  const because = now.state === 'approved' || now.state === 'booting' ? 'held' : now.state
  const attempt = now.attempt && because !== 'held' ? { attempt: now.attempt.id } : {}
  if (!diskFailed) await registry.record(now.id, { type: 'local-disk-told', ...attempt }, 'http')
  else log.info({ machine: registry.titleOf(now) }, 'its local disk did not boot')
  const title = registry.titleOf(now)
  const advice =
    because === 'held' ? `Approve it: rackrise machine approve ${title}` : `See why: rackrise machine timeline ${title}`
  return localDiskScript({ because, title, advice, diskFailedUrl: urls.diskFailed(mac), diskFailed })
}

async function scriptFor(
  context: HttpContext,
  machine: Machine,
  mac: Mac,
  address: Ipv4,
  diskFailed: boolean,
): Promise<string> {
  const { registry, clock } = context
  const plan = scriptPlan(machine, clock.now(), diskFailed)
  if (plan.do === 'give-up')
    await registry.record(machine.id, { type: 'gave-up', attempt: plan.attempt, reason: plan.reason }, 'http')
  if (plan.do !== 'install') return localDisk(context, machine, mac, diskFailed)
  const text = await installText(context, machine, mac, plan.attempt, plan.profile)
  if (isProblem(text)) {
    await registry.record(
      machine.id,
      { type: 'gave-up', attempt: plan.attempt, reason: `${text.message}; ${text.hint}` },
      'http',
    )
    return localDisk(context, machine, mac, diskFailed)
  }
  await registry.record(
    machine.id,
    { type: 'script-served', attempt: plan.attempt, address, resumed: plan.resumed },
    'http',
  )
  return text
}

export function addBootScript(app: FastifyInstance, context: HttpContext): void {
  const { registry, site, log } = context
  // No HEAD: asking for a script makes something true of a machine, and looking at its head must not.
  app.get('/boot.ipxe', { exposeHeadRoute: false }, async (request: FastifyRequest, reply) => {
    const query = request.query as Query
    const address = clientAddress(request.socket.remoteAddress)
    const mac = parseMac(textOf(query.mac)) ?? context.macAt(address)
    void reply.type('text/plain; charset=utf-8').header('cache-control', 'no-store')
    if (!mac) {
      // Who was asked already and has no Ethernet address (InfiniBand has 20 octets) would be asked for ever.
      return query.mac === undefined
        ? WHO_ARE_YOU
        : reply.code(400).send('mac is not the address of an Ethernet NIC; boot from one, or send mac=${netX/mac}\n')
    }
    // One that nobody knows yet has to stand there, too: else one client could fill the fleet with machines that do not exist.
    if (!standsAt(context, registry.byMac(mac)?.macs ?? [mac], address)) {
      log.warn(
        { mac, address, reason: 'address-mismatch' },
        'a boot script was asked for from an address where the machine does not stand',
      )
      return reply.code(403).send(`${mac} does not stand at ${address}; boot it from the network of this appliance\n`)
    }
    if (!registry.admits(mac)) {
      log.warn({ mac, address, reason: 'too-many-strangers' }, 'too many unknown machines to remember another one')
      return localDiskScript({
        because: 'held',
        title: mac,
        advice: 'Too many unknown machines: list it in the site file',
        diskFailedUrl: context.urls.diskFailed(mac),
        diskFailed: query.disk === 'failed',
      })
    }
    const machine = await registry.sight({ macs: [mac], ...identityOf(query) }, 'http')
    const silent = silentReason(machine, registry.listing(machine), site.boot.unknown)
    if (silent) return reply.code(403).send(SILENT[silent])
    registry.heard(machine.id)
    return scriptFor(context, machine, mac, address, query.disk === 'failed')
  })
}
