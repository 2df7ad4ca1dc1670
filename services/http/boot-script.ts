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
import { isPlaceholderSerial, isPlaceholderUuid } from '../machine/identity.ts'
import type { Machine } from '../machine/lifecycle.ts'
import { clientAddress, type HttpContext, isAtItsAddress } from './context.ts'

type Query = { mac?: string; uuid?: string; serial?: string; disk?: string }

const SAFE_SERIAL = /^[\w.:+/-]{1,64}$/
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** A script for an iPXE that did not say who it is: ask again, with its MAC. */
const WHO_ARE_YOU = '#!ipxe\nchain --replace /boot.ipxe?mac=${netX/mac}&uuid=${uuid}&serial=${serial:uristring}\n'

function identityOf(query: Query): { uuid?: string; serial?: string } {
  const uuid = query.uuid?.toLowerCase()
  const { serial } = query
  return {
    ...(uuid && UUID.test(uuid) && !isPlaceholderUuid(uuid) ? { uuid } : {}),
    ...(serial && SAFE_SERIAL.test(serial) && !isPlaceholderSerial(serial) ? { serial } : {}),
  }
}

async function installText(context: HttpContext, machine: Machine, mac: Mac, attempt: AttemptId, profileName: string): Promise<string | Problem> {
  const profile = context.site.profiles.get(profileName)
  if (!profile) return { code: 'no-profile', message: `profile "${profileName}" is no longer in the site file`, hint: 'put it back, or start another attempt', severity: 'error' }
  const iso: IsoEntry | Problem = context.catalogue.find(profile.iso)
  if (isProblem(iso)) return iso
  const { registry, urls } = context
  const script: InstallScript = {
    attempt,
    title: `${iso.release.productLong} ${iso.release.release} on ${registry.titleOf(machine)}`,
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
  const advice = because === 'held' ? { advice: `Approve it: rackrise machine approve ${title}` } : {}
  return localDiskScript({ because, title, ...advice, diskFailedUrl: urls.diskFailed(mac), diskFailed })
}

async function scriptFor(context: HttpContext, machine: Machine, mac: Mac, address: Ipv4, diskFailed: boolean): Promise<string> {
  const { registry, clock } = context
  const plan = scriptPlan(machine, clock.now(), diskFailed)
  if (plan.do === 'give-up') await registry.record(machine.id, { type: 'gave-up', attempt: plan.attempt, reason: plan.reason }, 'http')
  if (plan.do !== 'install') return localDisk(context, machine, mac, diskFailed)
  const text = await installText(context, machine, mac, plan.attempt, plan.profile)
  if (isProblem(text)) {
    await registry.record(machine.id, { type: 'gave-up', attempt: plan.attempt, reason: `${text.message}; ${text.hint}` }, 'http')
    return localDisk(context, machine, mac, diskFailed)
  }
  await registry.record(machine.id, { type: 'script-served', attempt: plan.attempt, address, resumed: plan.resumed }, 'http')
  return text
}

export function addBootScript(app: FastifyInstance, context: HttpContext): void {
  const { registry, site, log } = context
  app.get('/boot.ipxe', async (request: FastifyRequest, reply) => {
    const query = request.query as Query
    const address = clientAddress(request.socket.remoteAddress)
    const mac = (query.mac ? parseMac(query.mac) : undefined) ?? context.macAt(address)
    void reply.type('text/plain; charset=utf-8').header('cache-control', 'no-store')
    if (!mac) return WHO_ARE_YOU
    const known = registry.byMac(mac)
    if (known && !isAtItsAddress(context, known, address)) {
      log.warn({ machine: registry.titleOf(known), address, reason: 'address-mismatch' }, 'a boot script was asked for from an address that is not its lease')
      return reply.code(403).send(`${address} does not hold the lease of ${mac}; boot it by DHCP of this appliance\n`)
    }
    const machine = await registry.sight({ macs: [mac], ...identityOf(query) }, 'http')
    const silent = silentReason(machine, registry.listing(machine), site.boot.unknown)
    if (silent) return reply.code(403).send(`this machine is ${silent}\n`)
    registry.heard(machine.id)
    return scriptFor(context, machine, mac, address, query.disk === 'failed')
  })
}
