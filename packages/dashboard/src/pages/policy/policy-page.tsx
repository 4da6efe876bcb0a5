import type { PolicyList, PolicyVersion } from '@assay/wire';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useState } from 'react';
import { Empty } from '../../parts/empty.tsx';
import { Loaded } from '../../parts/loaded.tsx';
import { Page } from '../../parts/page.tsx';
import { Section } from '../../parts/section.tsx';
import { SimulationView } from '../../parts/simulation-view.tsx';
import { assayCommand } from '../../text/shell.ts';
import { policiesQuery, policyDiffQuery, policySimulationQuery } from '../policies/queries.ts';
import { ActivateDialog } from './activate-dialog.tsx';
import { DiffView } from './diff-view.tsx';
import { BOOTS, type PolicySearch } from './search.ts';
import { VersionFacts } from './version-facts.tsx';

const page = getRouteApi('/policies/$name');

function useSearchChange(): (change: Partial<PolicySearch>) => void {
  const navigate = page.useNavigate();
  return (change) => void navigate({ search: (before) => ({ ...before, ...change }), replace: true });
}

interface Chosen {
  readonly version: PolicyVersion;
  readonly inForce: number | undefined;
  readonly from: number | undefined;
  /** The newest first. */
  readonly versions: readonly PolicyVersion[];
  readonly hosts: number;
}

function chosenFrom({ policies, hosts }: PolicyList, name: string, search: PolicySearch): Chosen | undefined {
  const versions = policies.filter((each) => each.name === name).toSorted((a, b) => b.version - a.version);
  const version = versions.find((each) => each.version === (search.version ?? versions[0]?.version));
  if (version === undefined) return undefined;
  const inForce = versions.find(({ inForceSince }) => inForceSince !== null)?.version;
  const before = versions.find((each) => each.version < version.version)?.version;
  const from = search.from ?? (inForce === version.version ? before : (inForce ?? before));
  return { version, inForce, from, versions, hosts: hosts[name] ?? 0 };
}

interface SelectProps {
  readonly label: string;
  readonly value: number | undefined;
  readonly versions: readonly PolicyVersion[];
  readonly onChange: (version: number) => void;
}

function VersionSelect({ label, value, versions, onChange }: SelectProps) {
  return (
    <label className="flex items-center gap-2 text-sm">
      <span className="text-muted">{label}</span>
      <select value={value ?? ''} onChange={(event) => onChange(Number(event.target.value))} className="field">
        {value === undefined && <option value="">none</option>}
        {versions.map(({ version, inForceSince }) => (
          <option key={version} value={version}>
            Version {version}
            {inForceSince === null ? '' : ', in force'}
          </option>
        ))}
      </select>
    </label>
  );
}

function Changed({ chosen: { version, from, versions } }: { chosen: Chosen }) {
  const change = useSearchChange();
  return (
    <Section
      id="changed"
      title="What changed"
      aside={
        <VersionSelect
          label="Since"
          value={from}
          versions={versions.filter((other) => other.version !== version.version)}
          onChange={(next) => change({ from: next })}
        />
      }
    >
      {from === undefined ? (
        <p className="text-muted">It is the first version.</p>
      ) : (
        <DiffSince name={version.name} from={from} to={version.version} />
      )}
    </Section>
  );
}

function DiffSince({ name, from, to }: { name: string; from: number; to: number }) {
  const query = useQuery(policyDiffQuery(name, from, to));
  return <Loaded query={query}>{(diff) => <DiffView diff={diff} />}</Loaded>;
}

const BOOT_WORDS = { present: 'Present boots', all: 'All recorded boots' } as const;

function Simulated({ name, version }: { name: string; version: number }) {
  const { boots = 'present' } = page.useSearch();
  const change = useSearchChange();
  const query = useQuery(policySimulationQuery(name, version, boots));
  return (
    <Section
      id="simulated"
      title="What it would make of what was measured"
      aside={
        <label className="flex items-center gap-2 text-sm">
          <span className="text-muted">Of</span>
          <select
            value={boots}
            onChange={({ target }) => change({ boots: BOOTS.find((each) => each === target.value) })}
            className="field"
          >
            {BOOTS.map((each) => (
              <option key={each} value={each}>
                {BOOT_WORDS[each]}
              </option>
            ))}
          </select>
        </label>
      }
    >
      <Loaded query={query}>{(simulation) => <SimulationView simulation={simulation} />}</Loaded>
    </Section>
  );
}

function Actions({ chosen }: { chosen: Chosen }) {
  const [activating, setActivating] = useState(false);
  const { version } = chosen;
  return (
    <>
      <Link
        to="/policies/$name/edit"
        params={{ name: version.name }}
        search={{ version: version.version }}
        className="button"
      >
        Edit
      </Link>
      <button type="button" className="button-primary" onClick={() => setActivating(true)}>
        {version.inForceSince === null ? 'Activate' : 'Activate for more hosts'}
      </button>
      {activating && <ActivateDialog version={version} hosts={chosen.hosts} onClose={() => setActivating(false)} />}
    </>
  );
}

function Shown({ chosen }: { chosen: Chosen }) {
  const { version } = chosen;
  return (
    <div className="grid items-start gap-8 lg:grid-cols-[minmax(17rem,1fr)_minmax(0,3fr)]">
      <VersionFacts version={version} inForce={chosen.inForce} hosts={chosen.hosts} />
      <div className="min-w-0 space-y-8">
        <Changed chosen={chosen} />
        <Simulated name={version.name} version={version.version} />
      </div>
    </div>
  );
}

export function PolicyPage() {
  const { name } = page.useParams();
  const search = page.useSearch();
  const change = useSearchChange();
  const query = useQuery(policiesQuery);
  const chosen = query.data && chosenFrom(query.data, name, search);
  return (
    <Page
      title={`Policy ${name}`}
      lead={
        chosen && (
          <VersionSelect
            label="Shown"
            value={chosen.version.version}
            versions={chosen.versions}
            onChange={(version) => change({ version, from: undefined })}
          />
        )
      }
      command={assayCommand(['policies', 'simulate', name, String(chosen?.version.version ?? 1)], {
        boots: search.boots,
      })}
      actions={chosen && <Actions chosen={chosen} />}
    >
      <Loaded query={query}>
        {() =>
          chosen === undefined ? (
            <Empty icon="question" title="There is no such version">
              <Link to="/policies" className="underline underline-offset-4">
                To the policies
              </Link>
            </Empty>
          ) : (
            <Shown chosen={chosen} />
          )
        }
      </Loaded>
    </Page>
  );
}
