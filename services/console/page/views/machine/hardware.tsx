/** What a machine said of its hardware: disks and NICs by its last report, the rest by its installer's question. */
import type { DevicesView, SystemInformationView } from '../../../schema/document.ts'
import type { MachineView } from '../../../schema/machine.ts'
import { Age } from '../../parts/age.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { Icon } from '../../parts/icon.tsx'
import { Loaded } from '../../parts/loaded.tsx'
import { useResource } from '../../parts/resource.ts'
import { type Column, Table } from '../../parts/table.tsx'

type Device = { name: string; properties: Readonly<Record<string, string>>; isUsed: boolean }

const first = ({ properties }: Device, ...names: string[]): string => {
  const name = names.find(known => (properties[known] ?? '') !== '')
  return name === undefined ? '' : properties[name]!
}

function Properties({ device: { name, properties } }: { device: Device }) {
  return (
    <details>
      <summary>
        {Object.keys(properties).length}
        <span class="hidden"> of {name}</span>
      </summary>
      <pre class="code">
        {Object.entries(properties)
          .map(([key, value]) => `${key}=${value}`)
          .join('\n')}
      </pre>
    </details>
  )
}

const DISKS: Column<Device>[] = [
  { title: 'Disk', cell: ({ name }) => <code>{name}</code> },
  { title: 'Model', cell: disk => first(disk, 'ID_MODEL', 'ID_NAME').replaceAll('_', ' ') },
  { title: 'Serial', cell: disk => <span class="mono">{first(disk, 'ID_SERIAL_SHORT', 'ID_SERIAL')}</span> },
  { title: 'Bus', cell: disk => first(disk, 'ID_BUS') },
  { title: 'Path', cell: disk => <span class="mono">{first(disk, 'ID_PATH')}</span> },
  {
    title: 'Use',
    cell: ({ isUsed }) =>
      isUsed ? (
        <span class="state is-installed">
          <Icon name="installed" /> installed on
        </span>
      ) : (
        <span class="dim">left alone</span>
      ),
  },
  { title: 'Properties', cell: device => <Properties device={device} /> },
]

const NICS: Column<Device>[] = [
  { title: 'NIC', cell: ({ name }) => <code>{name}</code> },
  { title: 'Model', cell: nic => first(nic, 'ID_MODEL_FROM_DATABASE', 'ID_MODEL_ID') },
  { title: 'Vendor', cell: nic => first(nic, 'ID_VENDOR_FROM_DATABASE', 'ID_VENDOR_ID') },
  { title: 'Driver', cell: nic => first(nic, 'ID_NET_DRIVER') },
  { title: 'Path', cell: nic => <span class="mono">{first(nic, 'ID_PATH')}</span> },
  { title: 'Properties', cell: device => <Properties device={device} /> },
]

const rowsOf = (devices: DevicesView['disks'], used: readonly string[] = []): Device[] =>
  Object.entries(devices).map(([name, properties]) => ({ name, properties, isUsed: used.includes(name) }))

function Devices({ devices: { at, disks, nics, used } }: { devices: DevicesView }) {
  return (
    <>
      <p class="dim">
        As it reported when its installation was over, <Age at={at} suffix=" ago" />. Answers choose disks and NICs by
        these properties.
      </p>
      <h3>Disks</h3>
      <Table caption="Disks" columns={DISKS} rows={rowsOf(disks, used)} keyOf={({ name }) => name} />
      <h3>NICs</h3>
      <Table caption="NICs" columns={NICS} rows={rowsOf(nics)} keyOf={({ name }) => name} />
    </>
  )
}

export function MachineHardware({ machine }: { machine: MachineView }) {
  const path = `/api/v1/machines/${encodeURIComponent(machine.id)}`
  const devices = useResource<DevicesView>(`${path}/devices`)
  const information = useResource<SystemInformationView>(`${path}/system-information`)
  if (devices.value.problem?.code === 'not-reported' && information.value.problem?.code === 'not-reported')
    return (
      <EmptyState title="Its hardware is not known yet">
        <p>Its installer says what it is when it asks for the answer, and lists disks and NICs when it is done.</p>
      </EmptyState>
    )
  return (
    <section class="hardware" aria-labelledby="hardware">
      <h2 id="hardware" class="hidden">
        Hardware
      </h2>
      {devices.value.problem?.code === 'not-reported' ? (
        <p class="dim">Disks and NICs are known from the report of its first installation on.</p>
      ) : (
        <Loaded resource={devices}>{value => <Devices devices={value} />}</Loaded>
      )}
      <h3>What its installer said when it asked</h3>
      {information.value.problem?.code === 'not-reported' ? (
        <p class="dim">It has not asked for an answer yet.</p>
      ) : (
        <Loaded resource={information}>
          {({ at, information: body }) => (
            <>
              <p class="dim">
                <Age at={at} suffix=" ago" />
              </p>
              <details>
                <summary>The whole of it, as JSON</summary>
                <pre class="code">{JSON.stringify(body, null, 2)}</pre>
              </details>
            </>
          )}
        </Loaded>
      )}
    </section>
  )
}
