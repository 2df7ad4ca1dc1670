/** Who a machine is, where it can be reached, and what is installed on it. */
import type { MachineView } from '../../../schema/machine.ts'
import type { LeaseView } from '../../../schema/lease.ts'
import { Age, inFull, Remaining } from '../../parts/age.tsx'
import { CopyButton } from '../../parts/copy-button.tsx'
import { type Fact, Facts } from '../../parts/facts.tsx'
import { useResource } from '../../parts/resource.ts'
import { systemLink } from '../../words/system-link.ts'

function Mono({ text }: { text: string }) {
  return <span class="mono">{text}</span>
}

function Lease({ lease: { address, state, expiresAt } }: { lease: LeaseView }) {
  return (
    <>
      <Mono text={address} /> {state}
      {state === 'bound' && (
        <>
          {', '}
          <Remaining key={expiresAt} until={expiresAt} /> left
        </>
      )}
    </>
  )
}

function useLeases(macs: readonly string[]): LeaseView[] {
  const query = new URLSearchParams(macs.map(mac => ['mac', mac]))
  const { value } = useResource<LeaseView[]>(`/api/v1/leases?${query}`, 'leases').value
  return (value ?? []).filter(({ state }) => state !== 'released')
}

function Installed({ installed }: { installed: NonNullable<MachineView['installed']> }) {
  return (
    <>
      {[installed.product ?? 'a system', installed.kernel && `kernel ${installed.kernel}`].filter(Boolean).join(', ')},{' '}
      <Age at={installed.at} suffix=" ago" />
      {installed.inferred && <span class="dim"> (inferred: it booted its disk, no report came)</span>}
    </>
  )
}

function HostKeys({ keys }: { keys: readonly string[] }) {
  return (
    <>
      <details>
        <summary>{keys.length} public keys, as it reported them</summary>
        <pre class="code">{keys.join('\n')}</pre>
      </details>
      <CopyButton text={keys.join('\n')} what="SSH host keys" />
    </>
  )
}

function Links({ machine }: { machine: MachineView }) {
  const link = systemLink(machine)
  const api = `/api/v1/machines/${encodeURIComponent(machine.id)}`
  return (
    <>
      {link && (
        <>
          <a href={link.url} target="_blank" rel="noopener noreferrer">
            Its web interface
          </a>
          , <code>{link.ssh}</code>,{' '}
        </>
      )}
      <a href={api} target="_blank" rel="noopener">
        as JSON
      </a>
    </>
  )
}

export function MachineFacts({ machine }: { machine: MachineView }) {
  const { macs, serial, uuid, product, address, staticAddress, profile, attempt, installed, fqdn, listed } = machine
  const leases = useLeases(macs)
  const facts: Fact[] = [
    ['MAC', <Mono text={macs.join(', ')} />],
    ['Serial', serial && <Mono text={serial} />],
    ['Product', product],
    ['UUID', uuid && <Mono text={uuid} />],
    ['Name on the network', installed?.fqdn ?? fqdn],
    [
      'Lease',
      leases.length > 0
        ? leases.map(lease => <Lease key={lease.address} lease={lease} />)
        : address && <Mono text={address} />,
    ],
    [
      'Reserved for good',
      staticAddress && (
        <>
          <Mono text={staticAddress.address} /> on <Mono text={staticAddress.nic} />, written down by its system{' '}
          <Age at={staticAddress.since} suffix=" ago" />
        </>
      ),
    ],
    [
      'Named by',
      {
        machine: 'an entry of its own in the site file',
        rule: 'a rule of the site file',
        nothing: 'nobody: the site file does not mention it',
      }[listed],
    ],
    ['Profile', profile],
    [
      'Attempt',
      attempt && (
        <>
          <Mono text={attempt.id} /> of {machine.attempts}, since {inFull(attempt.startedAt)}
          {attempt.resumes > 0 && `, started again ${attempt.resumes} times`}
        </>
      ),
    ],
    ['Installed', installed && <Installed installed={installed} />],
    ['SSH host keys', installed?.hostKeys?.length ? <HostKeys keys={installed.hostKeys} /> : undefined],
    ['First seen', <Age at={machine.firstSeenAt} suffix=" ago" />],
    ['Last heard', <Age at={machine.heardAt} suffix=" ago" />],
    ['Elsewhere', <Links machine={machine} />],
  ]
  return <Facts facts={facts} />
}
