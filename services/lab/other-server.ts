/**
 * Another DHCP server on the rack's bridge, as many VLANs have one of their own: dnsmasq, which gives addresses and knows nothing of booting. The bridge
 * has its address.
 */
import { spawn } from 'node:child_process'
import { EnvironmentProblem } from '../kit/problem.ts'
import { ip } from './ip-command.ts'
import { missingPackages, missingPackagesProblem, type Need } from './packages.ts'

const DNSMASQ = '/usr/sbin/dnsmasq'
const NEEDS: Need[] = [{ file: DNSMASQ, package: 'dnsmasq-base' }]
const START_LIMIT_MS = 10_000

export type OtherServerRequest = {
  /** The bridge. */
  device: string
  /** Of the server, with its mask: `10.77.0.2/23`. */
  address: string
  /** First and last address that it gives. */
  first: string
  last: string
  mask: string
  /** A folder that may be written, for its leases. */
  folder: string
  /** Lines of its configuration, for what it says of booting; nothing if absent. */
  config?: readonly string[]
}

function commandOf({ device, address, first, last, mask, folder, config = [] }: OtherServerRequest): string[] {
  const own = address.split('/')[0]!
  return [
    // It must not outlive the lab.
    ...['--pdeathsig', 'KILL', '--', DNSMASQ],
    ...['--keep-in-foreground', '--conf-file=/dev/null', '--user=root', '--group=root', '--pid-file='],
    ...[`--interface=${device}`, '--bind-interfaces', '--except-interface=lo', '--port=0'],
    ...[`--dhcp-range=${first},${last},${mask},10m`, '--dhcp-authoritative', '--dhcp-option=3'],
    // A DNS server that answers nothing, and a domain that is not ours: the answer has to be found without.
    ...[`--dhcp-option=6,${own}`, '--domain=office.test'],
    ...config.map(line => `--${line}`),
    ...[`--dhcp-leasefile=${folder}/dnsmasq.leases`, '--log-dhcp', '--log-facility=-'],
  ]
}

/** Resolves with how to stop it. Only inside the rack's namespace. Throws EnvironmentProblem. */
export async function startOtherServer(request: OtherServerRequest): Promise<() => Promise<void>> {
  const missing = await missingPackages(NEEDS)
  if (missing.length > 0) throw missingPackagesProblem(missing, 'another DHCP server')
  await ip(`address add ${request.address} dev ${request.device}`)
  const child = spawn('/usr/bin/setpriv', commandOf(request), { stdio: ['ignore', 'ignore', 'pipe'] })
  const ended = new Promise<void>(resolve => child.once('close', () => resolve()))
  let said = ''
  const serving = new Promise<boolean>(resolve => {
    const timer = setTimeout(() => resolve(false), START_LIMIT_MS)
    child.stderr.on('data', (bytes: Buffer) => {
      said = (said + bytes.toString()).slice(-4000)
      if (said.includes('DHCP, IP range')) resolve(true)
    })
    void ended.then(() => resolve(false)).finally(() => clearTimeout(timer))
  })
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL')
    await ended
  }
  if (await serving) return stop
  await stop()
  throw new EnvironmentProblem(
    'lab-other-server',
    `dnsmasq did not start: ${said.trim() || 'it said nothing'}`,
    'run it by hand to see more',
  )
}
