/** `GET /boot.ipxe`: the boot script of one machine, in the words of iPXE. */
import type { FastifyInstance } from 'fastify'
import { readInquiry } from '../boot/inquiry.ts'
import { memoryTestIn, menuScript } from '../boot/menu.ts'
import { type LoaderNames, scriptPlan } from '../boot/plan.ts'
import { introduceScript, installScript, localDiskScript } from '../boot/script.ts'
import { IDENTITY_PARAMETERS, type Urls } from '../boot/urls.ts'
import { isProblem } from '../kit/is-problem.ts'
import type { Machine } from '../machine/lifecycle.ts'
import { clientAddress, type HttpContext } from './context.ts'
import { tellRefusal } from './refusal.ts'
import {
  admit,
  type Asker,
  decideScript,
  imageOf,
  nameOf,
  type Refused,
  tellStranger,
  type Told,
} from './script-decision.ts'

/** A script for an iPXE that did not say who it is: ask again, with its MAC. */
const WHO_ARE_YOU = introduceScript(`/boot.ipxe?mac=\${netX/mac}&${IDENTITY_PARAMETERS}`)

const REFUSALS: Record<Refused['refused'], (asker: Asker) => string> = {
  elsewhere: ({ mac, address }) => `${mac} does not stand at ${address}; boot it from the network of this appliance\n`,
  blocked: () => 'this machine is blocked; `rackrise machine approve` is the way out\n',
  ignored: () => 'this machine is not in the site file, and boot.unknown is "ignore"; list it\n',
}

/** Where a profile wants the ISO as an initrd of its own. */
function apartOf(urls: Urls, { attempt, image: { iso, isoDelivery } }: Extract<Told, { do: 'install' }>) {
  return isoDelivery ? { apart: { initrdUrl: urls.ownInitrd(iso.file), isoUrl: urls.iso(attempt) } } : {}
}

function textOf({ urls }: HttpContext, { mac, inquiry }: Asker, told: Told): string {
  const menu = inquiry.choice ? {} : { menuUrl: urls.chosen(mac, 'menu') }
  switch (told.do) {
    case 'describe':
      return introduceScript(urls.described(mac, inquiry.choice))
    case 'install':
      return installScript({
        attempt: told.attempt,
        title: `${nameOf(told.image.iso)} on ${told.title}`,
        kernelUrl: urls.kernel(told.attempt),
        initrdUrl: urls.initrd(told.attempt),
        ...apartOf(urls, told),
        kernelArgs: told.image.kernelArgs,
        loadFailedUrl: urls.loadFailed(mac),
        ...menu,
      })
    case 'local-disk': {
      const { do: _, ...disk } = told
      const failedUrl = disk.because === 'chosen' ? `${urls.chosen(mac, 'disk')}&disk=failed` : urls.diskFailed(mac)
      return localDiskScript({ ...disk, diskFailedUrl: failedUrl, diskFailed: inquiry.diskFailed, ...menu })
    }
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

/** @param loaders what the folder of loaders holds */
export function addBootScript(app: FastifyInstance, context: HttpContext, loaders: LoaderNames): void {
  // No HEAD: asking for a script makes something true of a machine, and looking at its head must not.
  app.get('/boot.ipxe', { exposeHeadRoute: false }, async (request, reply) => {
    void reply.type('text/plain; charset=utf-8').header('cache-control', 'no-store')
    const address = clientAddress(request.socket.remoteAddress)
    const inquiry = readInquiry(request.raw.url?.split('?').slice(1).join('?') ?? '')
    const mac = inquiry.mac ?? context.macAt(address)
    if (!mac) {
      // Who was asked already and has no Ethernet address (InfiniBand has 20 octets) would be asked for ever.
      if (!inquiry.saysMac) return WHO_ARE_YOU
      tellRefusal(context, 'script', 'no-ethernet-address', { address })
      return reply.code(400).send('mac is not the address of an Ethernet NIC; boot from one, or send mac=${netX/mac}\n')
    }
    const asker: Asker = { mac, address, inquiry, by: 'http' }
    const machine = await admit(context, asker)
    if (!machine) return textOf(context, asker, tellStranger(asker))
    if ('refused' in machine) return reply.code(403).send(REFUSALS[machine.refused](asker))
    if (inquiry.choice === 'menu') {
      context.counts.decided({ route: 'script', outcome: 'menu' })
      return menuFor(context, machine, asker, loaders)
    }
    return textOf(context, asker, await decideScript(context, machine, asker))
  })
}
