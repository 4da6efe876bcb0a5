import type { HostDetail } from '@assay/wire';
import { route, ROUTES } from '@assay/wire/routes';
import { useState } from 'react';
import { request } from '../../api/documents.ts';
import { Command } from '../../parts/command.tsx';
import { FullValue } from '../../parts/digest.tsx';
import { FactList } from '../../parts/fact-list.tsx';
import { Icon } from '../../parts/icon.tsx';
import { ProblemText } from '../../parts/problem-text.tsx';
import { Section } from '../../parts/section.tsx';
import { Age } from '../../parts/time-text.tsx';
import { TPM_WORDS, TRUST_WORDS } from '../../text/host.ts';
import { Labels } from './labels.tsx';

/** Who the host is, and what that rests on. */
export function Identity({ host }: { host: HostDetail }) {
  const keys = host.ladder.filter(({ rung }) => rung === 'ek' || rung === 'ak');
  return (
    <Section id="identity" title="Identity">
      <div className="card space-y-5 p-5">
        <FactList
          facts={[
            ['Name', <bdi key="name">{host.name}</bdi>],
            ['Identifier', <FullValue key="id" value={host.id} what="identifier" />],
            ['Labels', <Labels key="labels" host={host} />],
            ['Enrolled', <Age key="enrolled" at={host.enrolledAt} />],
            ['TPM', `${TPM_WORDS[host.tpm.kind].title}. ${TRUST_WORDS[host.tpm.trust]}.`],
            ...keys.flatMap(({ rung, title, facts }) =>
              facts.map(
                ({ label, value }) =>
                  [`${title}: ${label}`, <FullValue key={rung + label} value={value} what={label} />] as const,
              ),
            ),
          ]}
        />
      </div>
    </Section>
  );
}

async function download(name: string): Promise<void> {
  const response = await request(route(ROUTES.proof, name));
  const link = document.createElement('a');
  link.href = URL.createObjectURL(await response.blob());
  link.download = `${name}.evidence.json`;
  link.click();
  URL.revokeObjectURL(link.href);
}

/** The newest evidence as it came, to be verified by somebody who trusts neither this page nor its verifier. */
export function RawEvidence({ host: { name, evidenceAt } }: { host: HostDetail }) {
  const [error, setError] = useState<Error | null>(null);
  if (evidenceAt === null) return <p className="card border-dashed p-6 text-muted">Comes with the first evidence.</p>;
  const save = (): void => {
    setError(null);
    download(name).catch((reason: unknown) => setError(reason instanceof Error ? reason : new Error(String(reason))));
  };
  return (
    <Section id="evidence" title="Raw evidence">
      <div className="card max-w-3xl space-y-4 p-5">
        <p>
          The quote with its signature, the question that it answers, the attestation key and the whole measurement
          list, as they came <Age at={evidenceAt} />. Whoever has the file can verify all of it once more, without this
          verifier and without a network:
        </p>
        <button type="button" onClick={save} className="button-primary inline-flex items-center gap-2">
          <Icon name="download" />
          Download {name}.evidence.json
        </button>
        <Command text={`assay evidence verify ${name}.evidence.json`} />
        {error !== null && <ProblemText error={error} />}
        <p className="text-sm text-muted">
          It shows that this TPM signed these values for a question of this verifier. It does not show that they are of
          today, nor whose key it is: compare the name of the key with the one that you expect.
        </p>
      </div>
    </Section>
  );
}
