import type { PolicyList, PolicyVersion } from '@assay/wire';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Command } from '../../parts/command.tsx';
import { Empty } from '../../parts/empty.tsx';
import { leadOf, Loaded } from '../../parts/loaded.tsx';
import { Page } from '../../parts/page.tsx';
import { Age } from '../../parts/time-text.tsx';
import { countWords } from '../../text/numbers.ts';
import { policiesQuery } from './queries.ts';
import { ManagedBy, PolicySource } from './source.tsx';
import { VersionState } from './version-state.tsx';

const SHOWN = 3;

function VersionRow({ version, inForce }: { version: PolicyVersion; inForce: number | undefined }) {
  return (
    <li className="relative flex flex-wrap items-center gap-x-4 gap-y-1 px-5 py-2.5 text-sm hover:bg-sunken">
      <Link
        to="/policies/$name"
        params={{ name: version.name }}
        search={{ version: version.version }}
        className="font-semibold outline-none after:absolute after:inset-0 focus-visible:after:outline-2 focus-visible:after:outline-focus"
      >
        Version {version.version}
      </Link>
      <span className="min-w-22">
        <VersionState version={version} inForce={inForce} />
      </span>
      <span className="digits text-muted">{countWords(version.digests, 'digest', 'digests')}</span>
      <span className="text-muted">
        {version.signer === null ? (
          'signed by nobody'
        ) : (
          <>
            signed by <bdi>{version.signer}</bdi>
          </>
        )}
      </span>
      <span className="ms-auto text-muted">
        pushed by <bdi>{version.pushedBy}</bdi> <Age at={version.pushedAt} />
      </span>
    </li>
  );
}

interface CardProps {
  readonly name: string;
  readonly versions: readonly PolicyVersion[];
  readonly hosts: number;
  /** Where it comes from the source of the verifier. */
  readonly managed: PolicyList['managed'][number] | undefined;
}

function PolicyCard({ name, versions, hosts, managed }: CardProps) {
  const inForce = versions.find(({ inForceSince }) => inForceSince !== null)?.version;
  const newestFirst = versions.toSorted((a, b) => b.version - a.version);
  const shown = newestFirst.filter(({ inForceSince }, index) => index < SHOWN || inForceSince !== null);
  return (
    <section aria-labelledby={`policy-${name}`} data-policy={name} className="card overflow-hidden">
      <div className="flex flex-wrap items-baseline justify-between gap-x-4 gap-y-1 border-b border-line px-5 py-3">
        <h2 id={`policy-${name}`} className="font-display text-xl font-semibold tracking-tight">
          <bdi>{name}</bdi>
        </h2>
        <Link to="/hosts" search={{ policy: name }} className="digits text-sm underline underline-offset-4">
          {countWords(hosts, 'host', 'hosts')}
        </Link>
      </div>
      {managed !== undefined && <ManagedBy managed={managed} />}
      <ul className="divide-y divide-line">
        {shown.map((version) => (
          <VersionRow key={version.version} version={version} inForce={inForce} />
        ))}
      </ul>
      {newestFirst.length > shown.length && (
        <p className="border-t border-line px-5 py-2 text-sm">
          <Link to="/policies/$name" params={{ name }} className="text-muted underline underline-offset-4">
            {countWords(newestFirst.length - shown.length, 'earlier version', 'earlier versions')}
          </Link>
        </p>
      )}
    </section>
  );
}

function NoPolicy() {
  return (
    <Empty icon="book" title="No policy yet">
      <p>
        A policy says which digests are good, for many hosts at once, in versions that are signed, compared, tried and
        activated by somebody else than who made them.
      </p>
      <div className="text-start">
        <Command text="assay reference build --name web --deb *.deb --out web.json" />
        <Command text="assay reference push web.json" />
      </div>
    </Empty>
  );
}

function lead(list: PolicyList): string {
  const names = new Set(list.policies.map(({ name }) => name));
  return `${countWords(names.size, 'policy', 'policies')}, ${countWords(list.policies.length, 'version', 'versions')}`;
}

function Cards({ list: { policies, hosts, managed } }: { list: PolicyList }) {
  return (
    <div className="grid items-start gap-5 2xl:grid-cols-2">
      {[...Map.groupBy(policies, ({ name }) => name)].map(([name, versions]) => (
        <PolicyCard
          key={name}
          name={name}
          versions={versions}
          hosts={hosts[name] ?? 0}
          managed={managed.find((each) => each.name === name)}
        />
      ))}
    </div>
  );
}

export function PoliciesPage() {
  const query = useQuery(policiesQuery);
  return (
    <Page title="Policies" lead={leadOf(query, lead)} command="assay policies get">
      <Loaded query={query}>
        {(list) => (
          <>
            {list.source !== null && <PolicySource source={list.source} />}
            {list.policies.length === 0 ? <NoPolicy /> : <Cards list={list} />}
          </>
        )}
      </Loaded>
    </Page>
  );
}
