import type { HostDetail, HostTimeline, PolicyList } from '@assay/wire';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { timelineQuery } from '../../api/queries.ts';
import { Command } from '../../parts/command.tsx';
import { Empty } from '../../parts/empty.tsx';
import { Loaded } from '../../parts/loaded.tsx';
import { Section } from '../../parts/section.tsx';
import { Age } from '../../parts/time-text.tsx';
import { captureCommand, policyOf } from '../../text/host.ts';
import { countWords } from '../../text/numbers.ts';
import { DiffView } from '../policy/diff-view.tsx';
import { VersionFacts } from '../policy/version-facts.tsx';
import { policiesQuery, policyDiffQuery } from '../policies/queries.ts';

function ChangedSince({ name, from, to }: { name: string; from: number; to: number }) {
  const query = useQuery(policyDiffQuery(name, from, to));
  return (
    <Section id="changed" title={`What changed since version ${from}`}>
      <Loaded query={query}>{(diff) => <DiffView diff={diff} />}</Loaded>
    </Section>
  );
}

function InForce({ name, list: { policies, hosts } }: { name: string; list: PolicyList }) {
  const versions = policies.filter((each) => each.name === name);
  const version = versions.find(({ inForceSince }) => inForceSince !== null);
  if (version === undefined) return <p className="text-muted">No version of {name} is in force any more.</p>;
  const before = Math.max(0, ...versions.map((each) => each.version).filter((each) => each < version.version));
  return (
    <div className="grid items-start gap-8 lg:grid-cols-[minmax(17rem,1fr)_minmax(0,2fr)]">
      <Section
        id="in-force"
        title={`${name}@${version.version}`}
        aside={
          <Link to="/policies/$name" params={{ name }} className="text-sm underline underline-offset-4">
            All of this policy
          </Link>
        }
      >
        <VersionFacts version={version} inForce={version.version} hosts={hosts[name] ?? 0} />
      </Section>
      {before > 0 && <ChangedSince name={name} from={before} to={version.version} />}
    </div>
  );
}

function Captures({ captures }: { captures: HostTimeline['captures'] }) {
  return (
    <ul className="card divide-y divide-line">
      {captures.map(({ at, version, digests, note }) => (
        <li key={version} className="flex flex-wrap gap-x-4 px-5 py-2.5 text-sm">
          <span className="font-semibold">Version {version}</span>
          <span className="digits text-muted">{countWords(digests, 'digest', 'digests')}</span>
          {note !== null && <bdi className="wrap-anywhere">{note}</bdi>}
          <span className="ms-auto text-muted">
            <Age at={at} />
          </span>
        </li>
      ))}
    </ul>
  );
}

function WithoutPolicy({ host }: { host: HostDetail }) {
  const query = useQuery(timelineQuery(host.name));
  return (
    <Section id="captured" title="Captured from this host">
      <Loaded query={query}>
        {({ captures }) =>
          captures.length === 0 ? (
            <Empty icon="book" title="Nothing says what is good here">
              <p>
                So nothing is trusted. Accept what has run so far, or put the host under a policy, which many hosts
                share:
              </p>
              <div className="space-y-2 text-start">
                <Command text={captureCommand(host.name)} />
                <Command text={`assay reference activate POLICY VERSION --host ${host.name}`} />
              </div>
            </Empty>
          ) : (
            <div className="space-y-4">
              <Captures captures={captures} />
              <p className="max-w-prose text-sm text-muted">
                What was captured is what this host itself had run: nobody signed it. A policy goes before it:
              </p>
              <Command text={`assay reference activate POLICY VERSION --host ${host.name}`} />
            </div>
          )
        }
      </Loaded>
    </Section>
  );
}

/** What the host is compared with, who said so, and what changed in it last. */
export function HostPolicy({ host }: { host: HostDetail }) {
  const name = policyOf(host);
  const query = useQuery({ ...policiesQuery, enabled: name !== undefined });
  if (name === undefined) return <WithoutPolicy host={host} />;
  return <Loaded query={query}>{(list) => <InForce name={name} list={list} />}</Loaded>;
}
