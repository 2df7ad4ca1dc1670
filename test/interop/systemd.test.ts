/** A real systemd runs the appliance from its units, with all that they forbid it. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from './appliance-rig.ts'
import type { SystemdSpace } from './systemd-space.ts'
import { must, openRack, PLUG, show, SITE, writeSite } from './systemd-rack.ts'

const LIMIT_MS = 60_000
/** The package is made first. */
const OPEN_LIMIT_MS = 180_000

let space: SystemdSpace

beforeAll(async () => {
  space = await openRack()
}, OPEN_LIMIT_MS)

afterAll(() => space?.close(), LIMIT_MS)

const run = (script: string): Promise<string> => must(space, script)
const rack = (command: string): Promise<string> => must(space, `ip netns exec rack ${command}`)
const isActive = async (unit = 'rackrise.service'): Promise<string> =>
  (await space.run(`systemctl is-active ${unit}`)).stdout.trim()

/** Another process than the one before, and ready. */
async function untilReplaced(pid: string): Promise<string> {
  return until('another process that is ready', async () => {
    const now = await show(space, 'MainPID', 'ActiveState')
    return now['ActiveState'] === 'active' && now['MainPID'] !== pid ? now['MainPID']! : undefined
  })
}

/** An address, a loader, a name and a script: what a machine asks for first. */
async function answers(): Promise<Record<string, string>> {
  const lease = await rack('udhcpc -f -n -q -t 3 -T 1 -i eth0 -s /bin/true 2>&1')
  const loader = await rack(
    'curl -s --max-time 5 tftp://10.77.0.1/undionly.kpxe | cmp - /usr/lib/ipxe/undionly.kpxe && echo whole',
  )
  const name = await rack('dig +short +time=2 @10.77.0.1 node1.rack7.example.org')
  await run('ip -n rack addr replace 10.77.0.11/24 dev eth0')
  const script = await rack(
    'curl -s --max-time 5 --interface 10.77.0.11 http://10.77.0.1/boot.ipxe?mac=52:54:00:77:00:11',
  )
  return {
    lease: /lease of (\S+) obtained/.exec(lease)?.[1] ?? lease,
    loader: loader.trim(),
    name: name.trim(),
    script: script.split('\n')[0]!,
  }
}

const ALL = { lease: '10.77.0.11', loader: 'whole', name: '10.77.0.11', script: '#!ipxe' }

test(
  'a fresh Debian becomes the appliance of the lab’s site, whatever its interface is called',
  async () => {
    await run('ip link set eth1 down; ip link set eth1 name ens6; ip link set ens6 up')
    await run('sh /srv/rig/config/vagrant.sh /srv/rig 10.77.0.1')
    expect(await show(space, 'ActiveState', 'StatusText', 'UnitFileState')).toEqual({
      ActiveState: 'active',
      StatusText: 'serving lab on ens6: 0 machines',
      UnitFileState: 'enabled',
    })
    await run('systemctl disable --now rackrise.service; rm -rf /var/lib/rackrise/*')
    await run('ip link set ens6 down; ip link set ens6 name eth1; ip link set eth1 up')
    await writeSite(space, SITE)
  },
  LIMIT_MS,
)

describe('a start', () => {
  test(
    'M10 the start ends when all is served, and the status says what a person asks',
    async () => {
      await run('systemctl enable rackrise.service')
      await run('systemctl start rackrise.service')
      expect(await show(space, 'Type', 'ActiveState', 'SubState', 'StatusText', 'NRestarts')).toEqual({
        Type: 'notify',
        ActiveState: 'active',
        SubState: 'running',
        StatusText: 'serving rack-7 on eth1: 1 machine, 1 held',
        NRestarts: '0',
      })
      // Not a moment later: whoever waited for the start is answered at once.
      expect(await answers()).toEqual(ALL)
    },
    LIMIT_MS,
  )

  test(
    'the sockets hear the interface of the site file, and no other',
    async () => {
      const lines = (await run('ss -Hlntu')).trim().split('\n')
      const places = lines.map(line => line.split(/\s+/)[4]!.replace(/:[3-6]\d{4}$/, ':any'))
      expect([...new Set(places)].toSorted()).toEqual([
        ...['0.0.0.0%eth1:4011', '0.0.0.0%eth1:443', '0.0.0.0%eth1:53', '0.0.0.0%eth1:67', '0.0.0.0%eth1:68'],
        ...['0.0.0.0%eth1:69', '0.0.0.0%eth1:80', '10.77.0.1%eth1:any', '127.0.0.1:8300'],
      ])
    },
    LIMIT_MS,
  )

  test(
    'packets go before bodies: the thread that sends those is five nicer than the rest',
    async () => {
      // The first body starts it.
      await rack('curl -s --output /dev/null http://10.77.0.1/isos/proxmox-ve_9.2-1/proxmox.iso')
      const nice = await run('ps -L -o ni= -p $(systemctl show --value --property MainPID rackrise)')
      const threads = nice.trim().split(/\s+/)
      expect([[...new Set(threads)].toSorted(), threads.filter(one => one === '0').length]).toEqual([['-5', '0'], 1])
    },
    LIMIT_MS,
  )

  test(
    'the process has no capability, no new rights, a filter of system calls, and a user namespace',
    async () => {
      const status = await run('cat /proc/$(systemctl show --value --property MainPID rackrise)/status')
      for (const set of ['CapPrm', 'CapEff', 'CapInh', 'CapBnd', 'CapAmb'])
        expect(status).toMatch(new RegExp(`^${set}:\t0{16}$`, 'm'))
      expect(status).toMatch(/^NoNewPrivs:\t1$/m)
      expect(status).toMatch(/^Seccomp:\t2$/m)
      const owner = await run('stat -c %U /proc/$(systemctl show --value --property MainPID rackrise)')
      expect(owner).toBe('rackrise\n')
      const maps = await run('cat /proc/$(systemctl show --value --property MainPID rackrise)/uid_map')
      expect(maps.trim().split('\n')).toHaveLength(2)
    },
    LIMIT_MS,
  )

  test(
    'root gives orders to it',
    async () => {
      expect(await run('rackrise machine list')).toMatch(/node1 .* held/)
      expect(await run('rackrise alarm list --json')).toBe('[]\n')
    },
    LIMIT_MS,
  )

  test(
    'what it keeps is its own',
    async () => {
      expect(await run('stat -c "%a %U %n" /var/lib/rackrise /var/lib/rackrise/state.sqlite')).toBe(
        '700 rackrise /var/lib/rackrise\n600 rackrise /var/lib/rackrise/state.sqlite\n',
      )
    },
    LIMIT_MS,
  )
})

describe('the journal', () => {
  test(
    'has each decision with its priority, and its time once',
    async () => {
      const lines = await run('journalctl -u rackrise --output cat --no-pager SYSLOG_IDENTIFIER=rackrise')
      expect(lines).toMatch(/^dhcp node1: acknowledged 10\.77\.0\.11 .*reason=/m)
      expect(lines).not.toMatch(/^<\d>|^\d\d:\d\d|"level"/m)
      const priorities = await run('journalctl -u rackrise -o json --no-pager SYSLOG_IDENTIFIER=rackrise')
      const told = priorities
        .trim()
        .split('\n')
        .map(line => JSON.parse(line) as Record<string, string>)
      expect(new Set(told.map(({ PRIORITY }) => PRIORITY))).toEqual(new Set(['6']))
      expect((await run('journalctl -u rackrise -p warning --output cat --no-pager -q')).trim()).toBe('')
    },
    LIMIT_MS,
  )

  test(
    'as JSON, where the site wants it',
    async () => {
      await writeSite(space, `${SITE}\n[log]\nformat = "json"\n`)
      await run('systemctl restart rackrise.service')
      const lines = await run('journalctl -u rackrise --output cat --no-pager -n 3 SYSLOG_IDENTIFIER=rackrise')
      for (const line of lines.trim().split('\n')) expect(JSON.parse(line)).toMatchObject({ level: 30 })
      await writeSite(space, SITE)
      await run('systemctl restart rackrise.service')
    },
    LIMIT_MS,
  )
})

describe('a reload', () => {
  const pidNow = async (): Promise<string> => (await show(space, 'MainPID'))['MainPID']!

  test(
    'takes another site without another process',
    async () => {
      const pid = await pidNow()
      await run(
        `sed -i 's/^name = "node1"/name = "node7"/' /etc/rackrise/site.toml && systemctl reload rackrise.service`,
      )
      expect((await rack('dig +short +time=2 @10.77.0.1 node7.rack7.example.org')).trim()).toBe('10.77.0.11')
      expect([await pidNow(), (await show(space, 'ActiveState'))['ActiveState']]).toEqual([pid, 'active'])
      expect((await show(space, 'StatusText'))['StatusText']).toMatch(/^serving rack-7 on eth1: /)
      await writeSite(space, SITE)
      await run('systemctl reload rackrise.service')
    },
    LIMIT_MS,
  )

  test(
    'of a site that is wrong fails, and the old one is served on',
    async () => {
      const pid = await pidNow()
      await run(`cat > /etc/rackrise/site.toml << 'END'\n${SITE}\nanswer = "base"\nEND`)
      expect((await space.run('systemctl reload rackrise.service')).status).toBe(1)
      expect([await pidNow(), await isActive()]).toEqual([pid, 'active'])
      expect(await answers()).toEqual(ALL)
      await writeSite(space, SITE)
    },
    LIMIT_MS,
  )
})

describe('a process that goes', () => {
  test(
    'M10 one whose event loop stands still is ended, and another takes its place',
    async () => {
      const { MainPID: pid = '' } = await show(space, 'MainPID')
      await run(`kill -STOP ${pid}`)
      await untilReplaced(pid)
      expect(await run('journalctl -u rackrise --no-pager --output cat')).toMatch(/Watchdog timeout \(limit 4s\)!/)
      expect(await answers()).toEqual(ALL)
    },
    LIMIT_MS,
  )

  test(
    'one that is killed comes back with all that it knew',
    async () => {
      await run('rackrise machine approve node1')
      const { MainPID: pid = '' } = await show(space, 'MainPID')
      await run(`kill -KILL ${pid}`)
      await untilReplaced(pid)
      expect((await show(space, 'StatusText'))['StatusText']).toBe('serving rack-7 on eth1: 1 machine, 1 approved')
      expect(await run('rackrise lease list')).toMatch(/10\.77\.0\.11/)
    },
    LIMIT_MS,
  )

  test(
    'while it is away, nothing that machines say is lost to the sockets',
    async () => {
      const { MainPID: pid = '' } = await show(space, 'MainPID')
      await run(`kill -KILL ${pid}`)
      // Asks three times, for ten seconds each: whoever comes back reads what waits.
      expect(await rack('udhcpc -f -n -q -t 3 -T 10 -i eth0 -s /bin/true 2>&1')).toMatch(
        /lease of 10\.77\.0\.11 obtained/,
      )
      await untilReplaced(pid)
    },
    LIMIT_MS,
  )

  test(
    'a download that is under way when it is told to restart is finished first',
    async () => {
      const iso = 'http://10.77.0.1/isos/proxmox-ve_9.2-1/proxmox.iso'
      const size = Number(await run('stat -c %s /srv/rackrise/isos/proxmox-ve_9.2-1.iso'))
      const { MainPID: pid = '' } = await show(space, 'MainPID')
      const loading = rack(
        `curl -s --limit-rate ${Math.ceil(size / 4)} --output /tmp/loaded -w '%{http_code} %{size_download}' ${iso}`,
      )
      await until('a download', async () => (await space.run('test -s /tmp/loaded')).status === 0)
      await run('systemctl restart rackrise.service')
      expect(await loading).toBe(`200 ${size}`)
      expect(await run('cmp /tmp/loaded /srv/rackrise/isos/proxmox-ve_9.2-1.iso && echo same')).toBe('same\n')
      await untilReplaced(pid)
    },
    LIMIT_MS,
  )
})

describe('the interface', () => {
  test(
    'when it is made anew, as `ifreload` does, the appliance serves it again',
    async () => {
      const { MainPID: pid = '' } = await show(space, 'MainPID')
      // At once: the end that the first word causes is still under way.
      await run(`ip link del eth1; ${PLUG}`)
      await untilReplaced(pid)
      expect(await answers()).toEqual(ALL)
    },
    LIMIT_MS,
  )

  test(
    'when it is away for longer, the appliance waits for it',
    async () => {
      const { MainPID: pid = '' } = await show(space, 'MainPID')
      await run('ip link del eth1')
      await until('an end', async () => (await isActive()) === 'inactive')
      expect(await run('ss -Hlntu')).toBe('')
      await run(PLUG)
      await untilReplaced(pid)
      expect(await answers()).toEqual(ALL)
    },
    LIMIT_MS,
  )

  test(
    'interface and ports are those of the site file after a daemon-reload',
    async () => {
      await run('ip link set eth1 down; ip link set eth1 name eth7; ip link set eth7 up')
      await writeSite(space, `${SITE.replace('"eth1"', '"eth7"')}\n[http]\nport = 8080\n`)
      await run('systemctl restart rackrise.service')
      const listening = await run('ss -Hlnt')
      expect(listening).toMatch(/ 0\.0\.0\.0%eth7:8080 /)
      expect(listening).not.toMatch(/:80 /)
      await run(
        'systemctl stop rackrise.service; ip link set eth7 down; ip link set eth7 name eth1; ip link set eth1 up',
      )
      await writeSite(space, SITE)
      await run('systemctl restart rackrise.service')
      expect(await answers()).toEqual(ALL)
    },
    LIMIT_MS,
  )

  test(
    'where systemd was not told of another port, the start says what to do, in one line of the journal',
    async () => {
      await run(`cat > /etc/rackrise/site.toml << 'END'\n${SITE}\n[http]\nport = 8080\nEND`)
      expect((await space.run('systemctl restart rackrise.service')).status).toBe(1)
      const said = await run('journalctl -u rackrise -p err --output cat --no-pager SYSLOG_IDENTIFIER=rackrise -n 1')
      expect(said).toBe(
        'rackrise serve: error: the socket "http" that the service manager handed over has port 80, not 8080; say `systemctl daemon-reload`, and start it again; or make its unit and the site file name the same port\n',
      )
      await writeSite(space, SITE)
      await run('systemctl reset-failed rackrise.service; systemctl restart rackrise.service')
    },
    LIMIT_MS,
  )
})

describe('an end', () => {
  test(
    'a stop closes the sockets, too, and no packet starts it again',
    async () => {
      await run('systemctl stop rackrise.service')
      expect(await show(space, 'ActiveState', 'Result')).toEqual({ ActiveState: 'inactive', Result: 'success' })
      expect((await run('ss -Hlntu')).trim()).toBe('')
      expect((await space.run('ip netns exec rack udhcpc -f -n -q -t 2 -T 1 -i eth0 -s /bin/true')).status).toBe(1)
      expect([await isActive(), await isActive('rackrise-dhcp.socket')]).toEqual(['inactive', 'inactive'])
      expect(await run('journalctl -u rackrise --output cat --no-pager -n 8')).toMatch(/^stopping: no new work/m)
    },
    LIMIT_MS,
  )

  test(
    'a site that is wrong is told with its place, as an error',
    async () => {
      await run(`cat > /etc/rackrise/site.toml << 'END'\n${SITE}\nanswer = "base"\nEND`)
      expect((await space.run('systemctl start rackrise.service')).status).toBe(1)
      expect(
        await run('journalctl -u rackrise -p err --output cat --no-pager SYSLOG_IDENTIFIER=rackrise -n 1'),
      ).toMatch(/^\/etc\/rackrise\/site\.toml:\d+:\d+: error: .*answer/)
    },
    LIMIT_MS,
  )
})
