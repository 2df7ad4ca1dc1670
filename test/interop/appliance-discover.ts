/**
 * Says one DISCOVER for each MAC, all in one moment, and prints every OFFER as `MAC ADDRESS MILLISECONDS`; then it waits for those that are
 * still to come. Arguments: the device, how long to wait in milliseconds, the MACs.
 */
import { decode, encode } from '../../services/dhcp/codec.ts'
import { isMalformed } from '../../services/dhcp/message.ts'
import { LIMITED_BROADCAST, UNSPECIFIED } from '../../services/kit/ipv4.ts'
import { macFromBytes } from '../../services/kit/mac.ts'
import { openUdpPort } from '../../services/kit/udp-port.ts'
import { dhcp, mac } from '../dhcp/messages.ts'

const [device, waitMs, ...macs] = process.argv.slice(2)
const port = await openUdpPort({ device: device!, address: UNSPECIFIED, port: 68 })
const began = performance.now()
let missing = macs.length
port.onDatagram(({ bytes }) => {
  const message = decode(bytes)
  if (isMalformed(message) || message.op !== 'reply') return
  process.stdout.write(`${macFromBytes(message.chaddr)} ${message.yiaddr} ${(performance.now() - began).toFixed(0)}\n`)
  missing -= 1
  if (missing === 0) process.exit(0)
})
for (const [xid, sender] of macs.entries()) {
  const bytes = encode(dhcp('discover', { mac: mac(sender), xid: 1000 + xid }), { maxBytes: 1472 })
  port.send(bytes, { address: LIMITED_BROADCAST, port: 67 })
}
setTimeout(() => process.exit(0), Number(waitMs))
