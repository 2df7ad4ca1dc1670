/** What `doctor` may find: one closed table. The same word in code, API, alarms and manual; what the DHCP server and the library have a word for keeps it. */
import { REASONS } from '../dhcp/reasons.ts'

export type Severity = 'ok' | 'info' | 'warning' | 'error'

export type FindingText = {
  severity: Severity
  message: string
  /** What to do, as an instruction; `nothing` where it is as it should be. */
  action: string
}

const NOTHING = 'nothing'

function shared(code: keyof typeof REASONS, severity: Severity): FindingText {
  const { message, action } = REASONS[code]
  return { severity, message, action }
}

export const FINDINGS = {
  // The wire: who answers a machine that asks for an address.
  alone: { severity: 'ok', message: 'no other DHCP server answers', action: NOTHING },
  'expected-server': { severity: 'ok', message: 'a DHCP server that is meant to be there answers', action: NOTHING },
  'other-server': shared('other-server', 'error'),
  'other-boot-server': shared('other-boot-server', 'error'),
  'no-other-server': shared('no-other-server', 'error'),
  'several-servers': {
    severity: 'error',
    message: 'more than one server gives addresses beside this proxy',
    action: 'leave one of them on this network, or name all that belong there in `other-servers` of `[dhcp]`',
  },
  'watch-deaf': shared('watch-deaf', 'warning'),
  'appliance-answers': { severity: 'ok', message: 'this appliance answers a machine that asks', action: NOTHING },
  'appliance-silent': {
    severity: 'error',
    message: 'this appliance runs and does not answer a machine that asks',
    action: 'see its log for the reason, and the firewall of this host',
  },
  'appliance-ignores': {
    severity: 'info',
    message: 'this appliance does not answer machines that it does not know',
    action: 'nothing if all machines are listed; else set `unknown = "hold"` in `[boot]`',
  },
  'not-running': {
    severity: 'info',
    message: 'no appliance runs on this state',
    action: 'start it with `rackrise serve` when the rest is fine',
  },

  // The interface and what it is plugged into.
  'link-ready': { severity: 'ok', message: 'the interface is up, with carrier and its address', action: NOTHING },
  'interface-missing': {
    severity: 'error',
    message: 'the interface does not exist',
    action: 'see `ip link` for the names, and set `interface` of `[network]`',
  },
  'address-missing': {
    severity: 'error',
    message: 'the interface does not have the address of the site',
    action: 'give it that address with `ip address add`, or set `address` of `[network]`',
  },
  'interface-down': {
    severity: 'error',
    message: 'the interface is down',
    action: 'switch it on: `ip link set DEV up`',
  },
  'no-carrier': {
    severity: 'error',
    message: 'the interface has no carrier',
    action: 'look at the cable, and whether the port of the switch is enabled',
  },
  'half-duplex': {
    severity: 'warning',
    message: 'the link runs half duplex',
    action: 'let both ends negotiate: a side that is fixed by hand makes the other one fall back',
  },
  'slow-link': {
    severity: 'warning',
    message: 'the link is slower than 1 Gbit/s',
    action: 'look at the cable and the port of the switch, or expect long downloads',
  },
  'mtu-small': {
    severity: 'warning',
    message: 'the MTU is smaller than the 1500 bytes that firmware counts on',
    action: 'set it to 1500 here, and on whatever this interface runs over',
  },
  'mtu-large': {
    severity: 'info',
    message: 'the MTU is larger than what machines have while they boot',
    action: 'nothing if the switch takes frames of that size; else set it to 1500',
  },
  wireless: {
    severity: 'warning',
    message: 'the interface is wireless',
    action: 'use a cable: firmware can not boot through an access point',
  },
  'vlan-interface': {
    severity: 'info',
    message: 'the interface is a tagged VLAN',
    action: 'make it the untagged (native) VLAN of the ports of machines: firmware sends no tags',
  },
  'bridge-interface': { severity: 'info', message: 'the interface is a bridge of this host', action: NOTHING },
  'forwarding-at-once': { severity: 'ok', message: 'ports of the bridge forward at once', action: NOTHING },
  'forwarding-delay': {
    severity: 'warning',
    message: 'a port that comes up does not forward for a while',
    action: 'make the ports of machines edge ports (portfast): firmware gives up before they forward',
  },
  'forwarding-unheard': {
    severity: 'info',
    message: 'nobody speaks spanning tree on this port: whether the switch delays ports that come up is not known',
    action:
      'make the ports of machines edge ports (portfast, `spanning-tree port type edge`), and LACP fall back to single ports',
  },
  'forwarding-unknown': {
    severity: 'info',
    message: 'whether the switch delays ports that come up was not listened for: this user may not',
    action: 'run it as root; make the ports of machines edge ports (portfast) in any case',
  },

  // Ports, and who else has them.
  'ports-free': { severity: 'ok', message: 'all ports of the appliance are free', action: NOTHING },
  'ports-ours': { severity: 'ok', message: 'the appliance has its ports', action: NOTHING },
  'port-taken': {
    severity: 'error',
    message: 'a port of the appliance is taken',
    action: 'stop who holds it, or give the appliance another port or address',
  },
  'port-of-systemd': {
    severity: 'info',
    message: 'the service manager has a port of the appliance, for a socket unit',
    action: 'nothing if it is one of `rackrise-*.socket`: see `systemctl list-sockets`',
  },
  'ports-untried': {
    severity: 'info',
    message: 'whether the ports are free was not tried: this user may not open them',
    action: 'run it as root',
  },
  'same-host-server': {
    severity: 'info',
    message: 'another program of this host serves a port of the same number elsewhere',
    action: 'nothing while it keeps to its own interface',
  },

  // What stands around the machines.
  'relay-answers': { severity: 'ok', message: 'a relay agent answers', action: NOTHING },
  'relay-silent': {
    severity: 'warning',
    message: 'a relay agent does not answer a ping',
    action: 'look at the way to it and back; one that drops pings may be fine',
  },
  'relay-unreachable': {
    severity: 'error',
    message: 'there is no way to a relay agent',
    action: 'add a route to its network by the router of the link: `ip route add`',
  },
  'relays-unasked': {
    severity: 'info',
    message: 'relay agents were not asked: this user may not ping',
    action: 'run it as root, or `sysctl -w net.ipv4.ping_group_range="0 2147483647"`',
  },
  'router-answers': { severity: 'ok', message: 'the router of a subnet answers', action: NOTHING },
  'router-silent': {
    severity: 'warning',
    message: 'the router of a subnet does not answer',
    action: 'correct `router` of the subnet, or switch it on: installers that fetch something from outside need it',
  },
  'pools-quiet': { severity: 'ok', message: 'nobody uses an address of the pools that is not leased', action: NOTHING },
  'address-in-use': {
    severity: 'warning',
    message: 'something uses an address of a pool without a lease',
    action: 'take that machine out of the pool, or list it with that address',
  },
  'pools-unsampled': {
    severity: 'info',
    message: 'addresses of the pools were not tried: this user may not read who leased them',
    action: 'run it as the user of the appliance, or as root',
  },

  // Time and certificates.
  'clock-synchronised': { severity: 'ok', message: 'the clock is synchronised', action: NOTHING },
  'clock-free-running': {
    severity: 'warning',
    message: 'nothing keeps the clock right',
    action: 'run a time service, such as systemd-timesyncd or chrony',
  },
  'clock-unknown': {
    severity: 'info',
    message: 'whether anything keeps the clock right is not known: this process may not ask',
    action: 'run `rackrise doctor` as root, or see `timedatectl`',
  },
  'clock-wrong': {
    severity: 'error',
    message: 'the clock is wrong',
    action: 'set it with `timedatectl set-time`, and run a time service',
  },
  'certificate-fine': { severity: 'ok', message: 'the certificate is valid for long enough', action: NOTHING },
  'certificate-unmade': {
    severity: 'info',
    message: 'there is no certificate yet',
    action: 'nothing, one is made with the first start',
  },
  certificate: {
    severity: 'error',
    message: 'the certificate can not be used',
    action: 'see `certificate-file` and `key-file` of `[http]`: both in PEM form, belonging together, readable',
  },
  'certificate-key': {
    severity: 'error',
    message: 'the certificate has a key that installers can not verify',
    action: 'use RSA with 2048 bits or more, P-256, P-384 or Ed25519',
  },
  'certificate-early': {
    severity: 'error',
    message: 'by this clock the certificate is not valid yet',
    action: 'set the clock, or replace the certificate',
  },
  'certificate-expires': {
    severity: 'warning',
    message: 'the certificate ends soon',
    action:
      'replace the files of `certificate-file` and `key-file` of `[http]`; they are picked up while the appliance runs',
  },
  'certificate-expired': {
    severity: 'error',
    message: 'the certificate has ended',
    action:
      'replace the files of `certificate-file` and `key-file` of `[http]`; they are picked up while the appliance runs',
  },

  // What machines are sent.
  'loaders-found': { severity: 'ok', message: 'there is a loader for BIOS and for UEFI', action: NOTHING },
  'loaders-missing': {
    severity: 'error',
    message: 'a loader is missing',
    action: 'install it with `apt-get install ipxe`, or set `loaders` of `[boot]`',
  },
  'loaders-old': {
    severity: 'info',
    message: 'the loaders are several years old',
    action: 'nothing while all machines boot; newer NICs may need the package of a newer Debian',
  },
  'iso-ready': { severity: 'ok', message: 'the ISO of a profile is there', action: NOTHING },
  'iso-profile': {
    severity: 'error',
    message: 'machines of a profile can not be installed now',
    action: 'see `rackrise iso list`',
  },
  'iso-unverified': {
    severity: 'info',
    message: 'nobody compared an ISO with what was published',
    action: 'put SHA256SUMS beside it, then `rackrise iso verify`',
  },
  'iso-room': {
    severity: 'info',
    message: 'the disk of the library has no room for another ISO',
    action: 'make room before the next release',
  },
  'no-profiles': {
    severity: 'warning',
    message: 'the site has no profile, so nothing can be installed',
    action: 'add a `[[profile]]`',
  },
  'check-clean': { severity: 'ok', message: '`rackrise check` finds nothing else', action: NOTHING },
  'check-warnings': { severity: 'warning', message: '`rackrise check` has doubts', action: 'see `rackrise check`' },
  'check-errors': { severity: 'error', message: '`rackrise check` finds errors', action: 'see `rackrise check`' },

  // Names.
  'dns-pair': { severity: 'ok', message: 'an installer finds answer URL and fingerprint by DNS', action: NOTHING },
  'dns-pair-wrong': {
    severity: 'error',
    message: 'an installer does not find answer URL and fingerprint by DNS',
    action: 'report it with this line: options 250 and 251 still carry them, where this appliance is the DHCP server',
  },
  'forwarder-answers': { severity: 'ok', message: 'a forwarder answers', action: NOTHING },
  'forwarder-silent': {
    severity: 'error',
    message: 'a forwarder does not answer',
    action: 'correct `forward` of `[dns]`: machines wait for it with every name that is not ours',
  },
  'resolver-own': {
    severity: 'warning',
    message: 'this host asks the appliance for names, which forwards none',
    action: 'set `forward` of `[dns]`, or name another server in /etc/resolv.conf',
  },

  // This host.
  'state-fine': { severity: 'ok', message: 'the state folder is private and has room', action: NOTHING },
  'state-missing': {
    severity: 'info',
    message: 'there is no state folder yet',
    action: 'nothing, it is made with the first start',
  },
  'state-open': {
    severity: 'error',
    message: 'others may look into the state folder',
    action: 'make it its owner’s alone: `chmod 0700`',
  },
  'state-damaged': {
    severity: 'error',
    message: 'the database of the appliance is damaged',
    action:
      'stop the appliance and bring a backup back: `rackrise restore FILE --force`, which sets the damaged one aside; then look at the disk',
  },
  'disk-nearly-full': {
    severity: 'warning',
    message: 'the disk of the state folder is nearly full',
    action: 'make room: without it no lease can be written, and no machine gets an address',
  },
  'disk-full': {
    severity: 'error',
    message: 'the disk of the state folder is full',
    action: 'make room: without it no lease can be written, and no machine gets an address',
  },
  'firewall-open': { severity: 'ok', message: 'no rule of this host drops what machines send', action: NOTHING },
  'firewall-drops': {
    severity: 'error',
    message: 'a rule of this host drops what machines send',
    action: 'accept it on the interface: udp 53, 67, 69 and 4011, tcp 53 and the two ports of `[http]`',
  },
  'firewall-unknown': {
    severity: 'info',
    message: 'whether a rule of this host drops what machines send is not known',
    action: 'look at `nft list ruleset` as root',
  },

  // The doctor itself.
  'probe-late': {
    severity: 'warning',
    message: 'a look took too long and was left',
    action: 'run it again; if it stays so, look at what it asks',
  },
  'probe-failed': {
    severity: 'warning',
    message: 'a look ended in an error',
    action: 'report it with this line',
  },
} as const satisfies Record<string, FindingText>

export type FindingCode = keyof typeof FINDINGS
