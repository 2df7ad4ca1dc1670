/**
 * The whole of DHCP policy in proxy mode: another server gives the addresses, this one says what to boot (PXE 2.1 §2.5.1). It offers and never
 * acknowledges an address, never refuses one, and says nothing to machines that are not booting. Pure, and without anything to remember.
 */
import { UNSPECIFIED } from '../kit/ipv4.ts'
import { bootInquiryOf } from './boot-inquiry.ts'
import { proxyFieldsOf } from './boot-options.ts'
import { type BootView, type Decision, silence } from './decision.ts'
import { clientOf } from './identify.ts'
import type { DhcpMessage } from './message.ts'
import { messageTypeOf, OPTION } from './options.ts'
import { tellBoot } from './reply.ts'
import { screen } from './respond.ts'
import { isFromElsewhere, selectSubnet } from './subnet.ts'

export function respondAsProxy(message: DhcpMessage, view: BootView): Decision {
  const unfit = screen(message) ?? unfitRelay(message, view)
  if (unfit) return silence(unfit, clientOf(message))
  switch (messageTypeOf(message)) {
    case 'discover':
      return tell(message, view, 'offer')
    case 'inform':
      return message.ciaddr === UNSPECIFIED && message.giaddr === UNSPECIFIED
        ? silence('inform-without-address', clientOf(message))
        : tell(message, view, 'ack')
    default:
      // REQUEST, DECLINE and RELEASE are about addresses.
      return silence('addresses-elsewhere', clientOf(message))
  }
}

/** Subnets give no addresses here; what counts of them is which relay agents they name. */
function unfitRelay(message: DhcpMessage, { server }: BootView): 'unknown-relay' | 'no-subnet' | undefined {
  if (message.giaddr === UNSPECIFIED) return undefined
  const subnet = selectSubnet(message, { ...server, subnetSelection: false })
  return typeof subnet === 'string' ? subnet : undefined
}

function tell(message: DhcpMessage, view: BootView, type: 'offer' | 'ack'): Decision {
  if (isFromElsewhere(message, view.server)) return silence('foreign-network', clientOf(message))
  const inquiry = bootInquiryOf(message, view)
  if ('do' in inquiry) return inquiry
  const boot = proxyFieldsOf(inquiry.plan, inquiry.client, message, view.server)
  if (type === 'ack') return tellBoot(inquiry, type, 'informed', boot)
  const namesFile = boot.options.some(([code]) => code === OPTION.bootFile)
  return tellBoot(inquiry, type, namesFile ? 'boot-offered' : 'boot-server-offered', boot)
}
