/** Codes of problems that no table of a room has, by where they are met: what each is about, and what to do. A test compares them with the source. */
type OtherCode = { about: string; action: string; severity: 'error' | 'warning' | 'alarm' }

const row = (about: string, action: string, severity: OtherCode['severity'] = 'error'): OtherCode => ({
  about,
  action,
  severity,
})

/** `rackrise check`, and the view *Health* of the page. */
const OF_CHECK = {
  'console-address': row('`console.listen` is an address that this host does not have', 'use one of its own'),
  'no-pings': row(
    'addresses behind relay agents are not probed: no process may ping',
    'as it says, or set `dhcp.probe = false`',
    'warning',
  ),
  'lease-outside': row(
    'leases that no subnet of the site holds any more',
    'nothing if it was meant: they end by themselves',
    'warning',
  ),
  'rate-too-low': row(
    'an ISO takes longer than `boot.stall-after` at the rate of the site',
    'raise the rate, or leave it out',
    'warning',
  ),
  'rules-overlap': row(
    'machines that more than one rule fits',
    'make one of the rules narrower if another was meant',
    'warning',
  ),
  'state-unread': row(
    'the state could not be compared with the site',
    'run it as the user of the appliance',
    'warning',
  ),
  'store-unavailable': row('`store.url` names a store that this version does not have', 'use `"sqlite"`'),
} satisfies Record<string, OtherCode>

/** `rackrise reload`, SIGHUP, and the API: why the file of before is served on, beside everything that `check` calls an error. */
const OF_RELOADS = {
  'reload-refused': row('the site file is not loaded; `problems` has all the reasons', 'mend them, then reload again'),
  'needs-restart': row('a key that cannot change while the appliance runs', 'restart it, or put the old value back'),
  'promise-broken': row(
    'a machine is in an attempt, and the file would change what it was promised',
    'wait for its end, or block it first',
  ),
  'file-changed': row('the file is not the one whose changes were shown', 'look at its changes again'),
  'reload-unfinished': row(
    'it is loaded, and something that follows failed',
    'see the log, then reload again',
    'warning',
  ),
} satisfies Record<string, OtherCode>

/** Orders and questions: the command line, the page and the API. */
const OF_ORDERS = {
  'no-right': row(
    'this user may not look into the state folder, where the appliance is asked',
    '`sudo`, or the user that the appliance runs as',
  ),
  'ambiguous-machine': row('several machines fit the word', 'name one by its MAC'),
  'not-approvable': row(
    'the machine’s state does not allow it',
    '`rackrise machine show`; `reinstall` is the word for erasing an installed system',
  ),
  'attempt-open': row('an installation is under way', 'wait for its end, or say `--force`'),
  'machine-blocked': row(
    'a blocked machine would be free again if it were forgotten',
    'say `--force` if that is meant',
  ),
  'disks-in-doubt': row(
    'the installation would take other disks than the last one did, or it is not clear which',
    'see `rackrise explain`; `--confirm-disks` if it is meant',
  ),
  'not-reported': row('the machine has not posted what was asked for', 'it posts when it installs'),
  'no-password': row('no random root password was made for the machine', 'its answer names the password'),
  'password-shown': row(
    'its random root password was shown already, and is kept no longer',
    'reinstall it, or reset the password at its console',
  ),
  'password-unreadable': row(
    'its random root password was sealed with another `secret.key`',
    'restore the backup that has that key',
  ),
  'unknown-lease': row('no lease of that address, MAC or name', '`rackrise lease list`'),
  'ambiguous-lease': row('several leases fit the word', 'name one by its address'),
  'not-leased': row('the lease was given back already', 'nothing'),
  'reserved-address': row(
    'an installed system has written the address down and uses it',
    'reinstall it with another network source, or say `--force`',
  ),
  'work-not-running': row('nothing of that name runs that could be ended', 'see `GET /api/v1/work`'),
  'work-failed': row('long work broke off', 'try it again; the log says more'),
  'unknown-webhook': row('the site has no webhook of that number', '`rackrise webhook list`'),
  'no-mac': row('a system information that names no NIC', 'post it as the installer does'),
  'profile-doubt': row('a rule takes the machine now with another profile than its attempt has', 'approve it again'),
} satisfies Record<string, OtherCode>

/** `rackrise explain`, and before another installation of the same machine. */
const OF_DISKS = {
  'disk-missing': row('a disk of `disk-list` is not among those that it reported', 'correct the list', 'warning'),
  'disk-by-absence': row(
    'a disk is taken only because it lacks what the filter asks about',
    'ask about a property that every disk has, too',
    'warning',
  ),
  'one-of-several-disks': row(
    'the filter fits several disks, and the file system takes the first',
    'make it fit one',
    'warning',
  ),
  'no-disk': row('`disk-setup` takes none of its disks', 'correct the filter or the list', 'warning'),
  'disk-count': row('too few or too many disks for the RAID level', 'change the level or the filter', 'warning'),
  'other-disks': row('the last installation used other disks', 'make sure that this is meant', 'warning'),
  'no-nic': row('`network.filter` fits none of its NICs', 'correct the filter', 'warning'),
} satisfies Record<string, OtherCode>

/** A command or the appliance that cannot do its work here. */
const OF_THE_ENVIRONMENT = {
  socket: row('a port or interface cannot be had', 'see who has it: `ss -lnup`, `ss -lntp`'),
  'handed-socket': row(
    'a socket of the service manager is not what the site needs',
    'compare the `rackrise-*.socket` units with the site file',
  ),
  'console-port': row('the console cannot listen', 'see who has the port, or change `console.listen`'),
  'already-running': row('an appliance runs on the state folder', 'stop it, or set another `paths.state`'),
  key: row('`secret.key` in the state folder cannot be read, or is damaged', 'restore it from a backup'),
  store: row(
    'the database cannot be opened, written or brought up to date',
    'as it says: it may be of a newer version, or the disk is full',
  ),
  backup: row('a backup could not be made or put back', 'as it says'),
  control: row(
    'the control socket cannot be made, or the appliance behind it went away',
    'start it again, then repeat the command',
  ),
  init: row('no site file could be made of what was said', 'as it says'),
  'no-users-file': row('the site names no users file', 'set `users-file` in `[console]`'),
  'user-exists': row('a user or token of that name is there', 'remove it first, or set another password'),
  'edit-by-hand': row('the users file is written in a way that a command cannot change', 'edit it by hand'),
  'file-too-large': row('`iso prepare`: an answer or script is too large', 'make it shorter'),
  keyring: row('`iso verify`: the keyring cannot be read', 'correct `--keyring`'),
  'lab-install': row('`lab`: the virtual rack cannot be built', 'as it says'),
  'missing-packages': row('`lab`: Debian packages are missing', 'install them as it says'),
} satisfies Record<string, OtherCode>

/** Requests to the API that reach no operation. */
const OF_THE_API = {
  'sign-in-refused': row(
    'name and password do not fit together; which of them is wrong the log says',
    'try again; a lost password is replaced with `rackrise user password NAME`',
  ),
  'bad-request': row('the request is not as `/api/v1/openapi.json` says', 'see `errors` for each part'),
  'wrong-method': row('the path has no such method', 'use one of those that `allow` names'),
  'wrong-media-type': row('the body is not said to be JSON', 'send `content-type: application/json`'),
  'too-long': row('the path is too long', 'name one machine by its MAC'),
  'headers-too-large': row('the headers are too large', 'send fewer of them'),
  'too-many': row('too many requests', 'wait a little'),
  'too-many-streams': row('too many streams of events are open', 'close one, or wait'),
  'not-ready': row('the state cannot be written', 'look at its disk'),
  failed: row('the appliance failed to answer', 'see its log'),
} satisfies Record<string, OtherCode>

/** `rackrise alarm list`: alarms beside those of the tables above. */
const OF_ALARMS = {
  'certificate-waits': row(
    'a new certificate waits for machines that install with the old one',
    'nothing, or end those attempts',
    'warning',
  ),
  'clock-stepped': row(
    'somebody set the clock of this host while the appliance ran',
    'nothing if a time service put it right, else set it with `timedatectl set-time`',
    'warning',
  ),
  'event-loop-held': row(
    'the appliance stood still for half a second or more',
    'look at the load of the host',
    'warning',
  ),
  'restored-held': row(
    'a restore keeps machines from an installation that was meant for them',
    'look at what is on their disks, then approve or block each of them',
    'alarm',
  ),
  'too-many-connections': row(
    'one address holds as many connections of HTTP as it may',
    'look at what runs there; a machine needs one or two',
    'warning',
  ),
  'webhook-failing': row(
    'a target has taken nothing for a quarter of an hour',
    'mend it; what waits is sent by itself',
    'alarm',
  ),
} satisfies Record<string, OtherCode>

export const OTHER_CODES: readonly { title: string; seen: string; codes: Record<string, OtherCode> }[] = [
  { title: 'Check', seen: '`rackrise check`, `GET /api/v1/check`, the page', codes: OF_CHECK },
  { title: 'Reloads', seen: '`rackrise reload`, `POST /api/v1/reload`, the log', codes: OF_RELOADS },
  { title: 'Orders and questions', seen: 'the command line, the page, the API', codes: OF_ORDERS },
  {
    title: 'Disks of another installation',
    seen: '`rackrise explain`, before `approve` and `reinstall`',
    codes: OF_DISKS,
  },
  { title: 'Environment', seen: 'the command line and the log, at start', codes: OF_THE_ENVIRONMENT },
  { title: 'Requests to the API', seen: 'the API', codes: OF_THE_API },
  { title: 'Further alarms', seen: '`rackrise alarm list`, `GET /api/v1/alarms`, the page', codes: OF_ALARMS },
]
