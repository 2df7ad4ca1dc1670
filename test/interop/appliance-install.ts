/** An installation as the machine `node1` of the rig goes through it, step by step, by the programs that its installer uses. */
import { curl, dhclient, dig } from './appliance-clients.ts'
import { NODE1_ADDRESS, NODE1_MAC, type Outcome, type Rig } from './appliance-rig.ts'

export const FROM_NODE1 = ['-k', '--interface', NODE1_ADDRESS]
const INSTALLER = 'proxmox-auto-installer.rack7.example.org'
const WITH_STATUS = ['-w', '\n%{http_code}']

/** The boot script; DHCP came before. */
export function bootScript(rig: Rig): Promise<Outcome> {
  return curl(rig, 'rack', `/boot.ipxe?mac=${NODE1_MAC}`, ...FROM_NODE1, ...WITH_STATUS)
}

export const attemptIn = (script: string): string | undefined => /\/boot\/([0-9a-f]+)\//.exec(script)?.[1]

export async function answerUrl(rig: Rig): Promise<string> {
  return (await dig(rig, 'rack', 'txt', INSTALLER, '-b', NODE1_ADDRESS)).stdout.trim().replaceAll('"', '')
}

/** The body, and in its last line the status. */
export function askAnswer(rig: Rig, url: string): Promise<Outcome> {
  const information = JSON.stringify({
    product: { product: 'pve' },
    iso: { release: '9.2', isorelease: '1' },
    network_interfaces: [{ link: 'eth0', mac: NODE1_MAC }],
  })
  return curl(rig, 'rack', url, ...FROM_NODE1, ...WITH_STATUS, '-H', 'accept: application/json', '-d', information)
}

export const reportUrlIn = (answer: string): string => /https:\/\/[^"]+\/webhook\/[\w-]+/.exec(answer)![0]

export function report(rig: Rig, url: string): Promise<Outcome> {
  const said = JSON.stringify({ fqdn: 'node1.rack7.example.org', product: { short: 'pve', version: '9.2.1' } })
  return curl(rig, 'rack', url, ...FROM_NODE1, '-d', said)
}

/** From power-on to the report; returns the attempt. */
export async function installNode1(rig: Rig): Promise<string> {
  await dhclient(rig, 'rack')
  const attempt = attemptIn((await bootScript(rig)).stdout)!
  const { stdout } = await askAnswer(rig, await answerUrl(rig))
  const thanks = await report(rig, reportUrlIn(stdout))
  if (thanks.stdout !== 'thank you\n') throw new Error(`the report was not taken: ${thanks.stdout}`)
  return attempt
}
