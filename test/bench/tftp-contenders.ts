/** The TFTP servers that are measured. They run side by side, each on an address of its own, so that they can take turns within seconds. */
import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { applianceIn } from './appliance.ts'
import { type BenchNetwork, CLIENT_DEVICE, SERVER_ADDRESS, SERVER_DEVICE } from './network.ts'
import type { Started } from './rounds.ts'

/** `files` is the folder with what is served. */
export type TftpContender = {
  name: string
  address: string
  /** Whether it knows option windowsize (RFC 7440). */
  windows: boolean
  prepare(folder: string, files: string): Started
}

/** The whole appliance as it is shipped. */
export const rackrise: TftpContender = {
  name: 'rackrise',
  address: SERVER_ADDRESS,
  windows: true,
  prepare(folder, files) {
    const started = applianceIn(folder, '[dhcp]\nmode = "off"')
    for (const name of Object.values(FILES)) symlinkSync(join(files, name), join(folder, 'loaders', name))
    return started
  },
}

/** As Debian starts it: a process for every transfer. */
export const tftpdHpa: TftpContender = {
  name: 'tftpd-hpa',
  address: '10.88.0.3',
  windows: false,
  prepare(_, files) {
    const command = ['in.tftpd', '-L', '-u', 'root', '-a', `${this.address}:69`, '-s', files]
    return { command, ready: async () => true }
  },
}

export const dnsmasq: TftpContender = {
  name: 'dnsmasq',
  address: '10.88.0.4',
  windows: false,
  prepare(_, files) {
    const about = ['--port=0', '--no-daemon', '--conf-file=/dev/null', '--user=root', '--bind-interfaces']
    const what = ['--enable-tftp', `--tftp-root=${files}`, `--listen-address=${this.address}`]
    return { command: ['dnsmasq', ...about, ...what], ready: /TFTP root is/ }
  },
}

export const CONTENDERS: readonly TftpContender[] = [rackrise, tftpdHpa, dnsmasq]

/** What is served, by size. */
export const FILES = { '256 KiB': '256k.bin', '1 MiB': '1m.bin', '64 MiB': '64m.bin' } as const
export type Size = keyof typeof FILES

/** Gives every contender its address, and every client one. */
export async function addAddresses(network: BenchNetwork, clients: readonly string[]): Promise<void> {
  const add = async (space: 'server' | 'client', device: string, addresses: readonly string[]): Promise<void> => {
    const lines = addresses.map(address => `address add ${address}/14 dev ${device}\n`).join('')
    const { status, stderr } = await network.run(space, ['sh', '-c', `printf '${lines}' | ip -batch -`], 10_000)
    if (status !== 0) throw new Error(`addresses of ${device}: ${stderr}`)
  }
  const servers = CONTENDERS.map(({ address }) => address).filter(address => address !== SERVER_ADDRESS)
  await add('server', SERVER_DEVICE, servers)
  await add('client', CLIENT_DEVICE, clients)
}
