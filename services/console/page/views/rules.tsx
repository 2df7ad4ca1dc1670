/** What the site file says: rules in their order with the machines they take, layers of answers with who uses them, profiles, and the appliance itself. */
import { Fragment } from 'preact'
import type { ApplianceView } from '../../schema/appliance.ts'
import type { LayersView, RulesView as Rules } from '../../schema/health.ts'
import { inFull } from '../parts/age.tsx'
import { EmptyState } from '../parts/empty-state.tsx'
import { Facts } from '../parts/facts.tsx'
import { Icon } from '../parts/icon.tsx'
import { Loaded } from '../parts/loaded.tsx'
import { PageHead } from '../parts/page-head.tsx'
import { Problems } from '../parts/problems.tsx'
import { useResource } from '../parts/resource.ts'
import { type Column, Table } from '../parts/table.tsx'
import { machinePath } from '../paths.ts'
import { appliance } from '../store/live.ts'
import { counted } from '../words/quantities.ts'

type Rule = Rules['rules'][number]
type Layer = LayersView['layers'][number]
type Profile = ApplianceView['profiles'][number]

/** More machines than this are behind a click. */
const NAMED = 8

function Taken({ machines }: Pick<Rule, 'machines'>) {
  if (machines.length === 0) return <span class="dim">none now</span>
  const links = machines.map(({ id, name }, index) => (
    <Fragment key={id}>
      {index > 0 && ', '}
      <a href={machinePath(id)}>{name}</a>
    </Fragment>
  ))
  if (machines.length <= NAMED) return <>{links}</>
  return (
    <details>
      <summary>{counted(machines.length, 'machine')}</summary>
      {links}
    </details>
  )
}

const RULES: Column<Rule>[] = [
  { title: 'Rule', isNumber: true, cell: ({ rule }) => rule },
  {
    title: 'When',
    cell: ({ when }) =>
      when.length === 0 ? (
        'always'
      ) : (
        <ul class="plain">
          {when.map(condition => (
            <li key={condition}>
              <code>{condition}</code>
            </li>
          ))}
        </ul>
      ),
  },
  { title: 'Profile', cell: ({ profile }) => profile },
  { title: 'Layers', cell: ({ answers }) => answers.join(', ') || <span class="dim">none of its own</span> },
  { title: 'Name', cell: ({ name }) => (name === undefined ? <span class="dim">none</span> : <code>{name}</code>) },
  {
    title: 'May install',
    cell: ({ approve }) =>
      approve ? (
        <span class="state is-warn">
          <Icon name="approved" /> once, without approval
        </span>
      ) : (
        'when it is approved'
      ),
  },
  { title: 'Takes', cell: rule => <Taken {...rule} /> },
]

const LAYERS: Column<Layer>[] = [
  {
    title: 'Layer',
    cell: ({ name, problems }) => (
      <>
        <strong>{name}</strong>{' '}
        {problems.length > 0 && (
          <span class="state is-warn">
            <Icon name="attention" /> {counted(problems.length, 'problem')}
          </span>
        )}
      </>
    ),
  },
  { title: 'Keys', isNumber: true, cell: ({ keys }) => keys },
  { title: 'Used by', cell: ({ usedBy }) => usedBy.join(', ') || <span class="dim">nobody</span> },
  { title: 'File', cell: ({ file }) => <code>{file}</code> },
]

const PROFILES: Column<Profile>[] = [
  { title: 'Profile', cell: ({ name }) => <strong>{name}</strong> },
  { title: 'ISO', cell: ({ iso }) => <code>{iso}</code> },
  { title: 'Layers', cell: ({ answers }) => answers.join(', ') },
  {
    title: 'Kernel arguments',
    cell: ({ kernelArgs }) =>
      kernelArgs.length > 0 ? <code>{kernelArgs.join(' ')}</code> : <span class="dim">none</span>,
  },
  {
    title: 'First boot',
    cell: ({ firstBoot }) => (firstBoot ? <code>{firstBoot}</code> : <span class="dim">nothing</span>),
  },
]

function RuleList({ rules: { rules, unlisted } }: { rules: Rules }) {
  return (
    <>
      {rules.length === 0 ? (
        <EmptyState title="No rules">
          <p>
            Every machine needs an entry of its own. A <code>[[rule]]</code> in the site file takes all machines that
            fit its conditions.
          </p>
        </EmptyState>
      ) : (
        <Table
          caption="Rules, the first that fits counts"
          columns={RULES}
          rows={rules}
          keyOf={({ rule }) => String(rule)}
        />
      )}
      <p>
        {unlisted === 0 ? (
          'Every machine that was seen has an entry of its own or is taken by a rule.'
        ) : (
          <>
            <strong>{counted(unlisted, 'machine')}</strong> neither named by an entry nor taken by a rule: see{' '}
            <a href="/?state=held">those that are held</a>.
          </>
        )}
      </p>
    </>
  )
}

function LayerList({ layers }: LayersView) {
  if (layers.length === 0)
    return (
      <EmptyState title="No layers">
        <p>Answers are merged from TOML files in the answers folder. There is none yet, so nothing can be installed.</p>
      </EmptyState>
    )
  return (
    <>
      <Problems problems={layers.flatMap(({ problems }) => problems)} />
      <Table caption="Layers" columns={LAYERS} rows={layers} keyOf={({ name }) => name} />
    </>
  )
}

const UNKNOWN: Record<string, string> = {
  hold: 'are held until somebody approves them',
  install: 'are installed',
  ignore: 'are given nothing',
}

function SiteFacts({ about }: { about: ApplianceView }) {
  return (
    <Facts
      facts={[
        ['Appliance', about.name],
        ['Domain', about.domain],
        ['Interface', <code>{about.interface}</code>],
        ['Address', <span class="mono">{about.address}</span>],
        ['DHCP', about.mode],
        ['Unknown machines', UNKNOWN[about.unknown] ?? about.unknown],
        ['Fingerprint of its certificate', about.fingerprint && <span class="mono">{about.fingerprint}</span>],
        ['Version', about.version],
        ['Running since', inFull(about.startedAt)],
      ]}
    />
  )
}

export function RulesView() {
  const rules = useResource<Rules>('/api/v1/rules', 'machines', 'site')
  const layers = useResource<LayersView>('/api/v1/layers', 'site')
  const about = appliance.value
  return (
    <section class="view">
      <PageHead title="Rules and layers" />
      <h2>Rules</h2>
      <Loaded resource={rules}>{value => <RuleList rules={value} />}</Loaded>
      <h2>Layers of answers</h2>
      <Loaded resource={layers}>{value => <LayerList {...value} />}</Loaded>
      <h2>Profiles</h2>
      {about && about.profiles.length === 0 ? (
        <EmptyState title="No profiles">
          <p>
            A <code>[[profile]]</code> of the site file names an ISO and the layers of its answer.
          </p>
        </EmptyState>
      ) : (
        <Table caption="Profiles" columns={PROFILES} rows={about?.profiles ?? []} keyOf={({ name }) => name} />
      )}
      <h2>The site</h2>
      {about && <SiteFacts about={about} />}
    </section>
  )
}
