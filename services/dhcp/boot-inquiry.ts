/** Who asks what to boot, and the plan for it, where no address is given: the same question at ports 67 and 4011. */
import type { BootPlan } from './boot-options.ts'
import { type BootInquiry, type BootView, type Silence, silence } from './decision.ts'
import { clientOf } from './identify.ts'
import type { DhcpMessage } from './message.ts'

/** The inquiry with something to boot, or the reason for silence. */
export function bootInquiryOf(
  message: DhcpMessage,
  { server, fleet }: BootView,
): (BootInquiry & { plan: BootPlan }) | Silence {
  const client = clientOf(message)
  if (!client) return silence('no-hardware-address')
  const said = fleet.view(client)
  const { plan } = said
  switch (plan.do) {
    case 'load':
    case 'script':
      return { message, client, said, server, plan }
    case 'silence':
      return silence(plan.reason, client)
    case 'nothing':
      return silence(plan.reason === 'no-answer-due' ? 'not-booting' : plan.reason, client)
    // An installer has its URL from the mode file in its initrd: a proxy can't send option 250.
    case 'answer':
      return silence('not-booting', client)
  }
}
