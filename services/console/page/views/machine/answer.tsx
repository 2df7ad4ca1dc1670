/** The answer that a machine would get, and why. */
import { useSignal } from '@preact/signals'
import { Fragment } from 'preact'
import type {
  ExplainedAnswer,
  ExplainedKey,
  ExplainedLayer,
  ExplainedRule,
  Explanation,
} from '../../../schema/explanation.ts'
import type { MachineView } from '../../../schema/machine.ts'
import { Age } from '../../parts/age.tsx'
import { CopyButton } from '../../parts/copy-button.tsx'
import { Icon } from '../../parts/icon.tsx'
import { Loaded } from '../../parts/loaded.tsx'
import { Problems } from '../../parts/problems.tsx'
import { useResource } from '../../parts/resource.ts'
import { type Column, Table } from '../../parts/table.tsx'
import { appliance } from '../../store/live.ts'
import { planInWords, ruleInWords } from '../../words/explain-words.ts'
import { RevealAnswer, RootPassword } from './secrets.tsx'

const RULES: Column<ExplainedRule>[] = [
  { title: 'Rule', cell: ({ rule }) => rule, isNumber: true },
  { title: 'Profile', cell: ({ profile }) => profile },
  {
    title: 'For this machine',
    cell: rule => (
      <span class={rule.outcome === 'taken' ? 'state is-installed' : 'dim'}>
        {rule.outcome === 'taken' && <Icon name="installed" />} {ruleInWords(rule)}
      </span>
    ),
  },
]

const LAYERS: Column<ExplainedLayer>[] = [
  { title: 'Layer', cell: ({ name }) => name },
  { title: 'Why', cell: ({ why }) => why },
  { title: 'File', cell: ({ file }) => <code>{file}</code> },
]

const KEYS: Column<ExplainedKey>[] = [
  { title: 'Key', cell: ({ path }) => <code>{path}</code> },
  { title: 'Value', cell: ({ value }) => <code>{value}</code> },
  { title: 'From', cell: ({ from }) => from },
  { title: 'Instead of', cell: ({ over }) => over.join(', ') },
]

function Rules({ rules, listed }: Pick<Explanation, 'rules' | 'listed'>) {
  return (
    <section>
      <h3>Rules</h3>
      {listed === 'machine' && <p>An entry of its own in the site file names it, so no rule is asked.</p>}
      {rules.length === 0 ? (
        <p class="dim">The site file has no rules.</p>
      ) : (
        <Table
          caption="Rules, as they stand in the site file"
          columns={RULES}
          rows={rules}
          keyOf={({ rule }) => String(rule)}
        />
      )}
    </section>
  )
}

function Rehearsal({ rehearsal }: { rehearsal: NonNullable<Explanation['rehearsal']> }) {
  const { at, erases, leaves, nic, doubts } = rehearsal
  return (
    <section>
      <h3>What it would do to the disks</h3>
      <p class="dim">
        Tried on the hardware that it reported <Age at={at} suffix=" ago" />.
      </p>
      <dl class="pairs">
        <dt>Erases</dt>
        <dd>{erases.length > 0 ? erases.join(', ') : 'no disk'}</dd>
        <dt>Leaves</dt>
        <dd>{leaves.length > 0 ? leaves.join(', ') : 'no disk'}</dd>
        {nic && (
          <>
            <dt>Network</dt>
            <dd>{nic}</dd>
          </>
        )}
      </dl>
      {doubts.length > 0 && (
        <div class="notice is-warn">
          <Icon name="attention" />
          <ul>
            {doubts.map(({ code, message, hint }) => (
              <li key={code}>
                <strong>{message}</strong>. What to do: {hint}
              </li>
            ))}
          </ul>
        </div>
      )}
    </section>
  )
}

function Answer({ answer, machine }: { answer: ExplainedAnswer; machine: MachineView }) {
  return (
    <>
      <section>
        <h3>Layers</h3>
        <Table
          caption="Layers, merged from the first to the last"
          columns={LAYERS}
          rows={answer.layers}
          keyOf={({ name }) => name}
        />
      </section>
      <section>
        <h3>Keys, and where they come from</h3>
        <Table caption="Keys of the answer" columns={KEYS} rows={answer.keys} keyOf={({ path }) => path} />
        {answer.leftOut.length > 0 && (
          <p>
            Left out, newer than its installer ({answer.installer}): <code>{answer.leftOut.join(', ')}</code>
          </p>
        )}
      </section>
      <section>
        <h3>
          As it is sent to {answer.product} {answer.release}
        </h3>
        <pre class="code" tabIndex={0} aria-label="Answer, secrets masked">
          {answer.toml}
        </pre>
        <div class="buttons">
          <CopyButton text={answer.toml} what="the answer" />
          <RevealAnswer machine={machine} />
        </div>
      </section>
    </>
  )
}

function Why({ explanation, machine }: { explanation: Explanation; machine: MachineView }) {
  const { plan, profile, refusal, problems, notes, rules, listed, rehearsal, answer, facts } = explanation
  return (
    <>
      <p class="plan">
        <strong>{planInWords(plan)}.</strong>
        {profile && ` Profile ${profile.name}: ${profile.why}${profile.iso ? `, with ${profile.iso}` : ''}.`}
      </p>
      {refusal && (
        <div class="notice is-warn">
          <Icon name="attention" />
          <p>
            If its installer asked now, it would get no answer: {refusal.message}{' '}
            <code class="dim">{refusal.reason}</code>
          </p>
        </div>
      )}
      <Problems problems={problems} />
      <Rules rules={rules} listed={listed} />
      {rehearsal && <Rehearsal rehearsal={rehearsal} />}
      {answer ? <Answer answer={answer} machine={machine} /> : <p>There is no answer that it would get.</p>}
      <details>
        <summary>What it has told, which rules can ask for</summary>
        <dl class="pairs">
          {facts.map(({ fact, values }) => (
            <Fragment key={fact}>
              <dt>{fact}</dt>
              <dd class="mono">{values.join(', ')}</dd>
            </Fragment>
          ))}
        </dl>
      </details>
      {notes.length > 0 && (
        <section>
          <h3>Assumed</h3>
          <ul>
            {notes.map(note => (
              <li key={note}>{note}</li>
            ))}
          </ul>
        </section>
      )}
    </>
  )
}

function Explained({ machine, profile }: { machine: MachineView; profile: string }) {
  const query = profile === '' ? '' : `?${new URLSearchParams({ profile })}`
  const path = `/api/v1/machines/${encodeURIComponent(machine.id)}/explanation${query}`
  const explanation = useResource<Explanation>(path, 'site')
  return <Loaded resource={explanation}>{value => <Why explanation={value} machine={machine} />}</Loaded>
}

export function MachineAnswer({ machine }: { machine: MachineView }) {
  const profile = useSignal('')
  const profiles = appliance.value?.profiles ?? []
  return (
    <section class="answer" aria-labelledby="answer">
      <h2 id="answer" class="hidden">
        Answer, and why
      </h2>
      <RootPassword machine={machine} />
      {profiles.length > 1 && (
        <label class="choice">
          As if it was approved with{' '}
          <select value={profile.value} onChange={event => (profile.value = event.currentTarget.value)}>
            <option value="">what the site file says</option>
            {profiles.map(({ name }) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
      )}
      {/* What it would get depends on where it is. */}
      <Explained key={`${machine.state} ${machine.attempt?.id}`} machine={machine} profile={profile.value} />
    </section>
  )
}
