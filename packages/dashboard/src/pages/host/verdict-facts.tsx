import type { HostDetail } from '@assay/wire';
import type { ReactNode } from 'react';
import { LIST_WORDS, policyOf, TPM_WORDS, TRUST_WORDS } from '../../text/host.ts';
import { countWords } from '../../text/numbers.ts';
import { Age, Since } from '../../parts/time-text.tsx';

function Fact({ label, title, children }: { label: string; title: string; children: ReactNode }) {
  return (
    <div className="min-w-0 px-6 py-4 first:sm:ps-10">
      <dt className="eyebrow">{label}</dt>
      <dd className="mt-1">
        <span className="block text-[0.95rem] font-semibold">{title}</span>
        <span className="mt-0.5 block text-sm text-muted">{children}</span>
      </dd>
    </div>
  );
}

function ReferenceFact({ host }: { host: HostDetail }) {
  const { reference } = host;
  const policy = policyOf(host);
  if (reference === null) {
    return (
      <Fact label="Reference values" title="None yet">
        Nothing to compare with, so nothing is trusted.
      </Fact>
    );
  }
  const title = policy === undefined ? `Version ${reference.version}` : `${policy}@${reference.version}`;
  return (
    <Fact label="Reference values" title={title}>
      {countWords(reference.digests, 'digest', 'digests')}, {policy === undefined ? 'captured' : 'in force'}{' '}
      {policy === undefined ? <Age at={reference.capturedAt} /> : <Since at={reference.capturedAt} />}
    </Fact>
  );
}

function BootFact({ host: { boot, kernel } }: { host: HostDetail }) {
  if (boot === null) {
    return (
      <Fact label="Boot" title="Not known yet">
        Comes with the first evidence.
      </Fact>
    );
  }
  return (
    <Fact label="Boot" title={`Reset ${boot.resetCount}, restart ${boot.restartCount}`}>
      Linux <bdi className="wrap-anywhere">{kernel}</bdi>, watched since <Age at={boot.since} />
    </Fact>
  );
}

/** What the verdict rests on, in plain words. */
export function VerdictFacts({ host }: { host: HostDetail }) {
  const tpm = TPM_WORDS[host.tpm.kind];
  const list = LIST_WORDS[host.list.source];
  const { entries, violations } = host.list;
  return (
    <dl className="grid divide-y divide-line border-t border-line bg-surface sm:grid-cols-2 sm:divide-y-0 xl:grid-cols-4">
      <Fact label="TPM" title={tpm.title}>
        {tpm.meaning} {TRUST_WORDS[host.tpm.trust]}.
      </Fact>
      <Fact label="Measurement list" title={`${list.title} · ${countWords(entries, 'entry', 'entries')}`}>
        {list.meaning} {violations > 0 && `${countWords(violations, 'violation', 'violations')}.`}
      </Fact>
      <ReferenceFact host={host} />
      <BootFact host={host} />
    </dl>
  );
}
