import type { Finding, HostSummary } from '@assay/wire';
import { useQuery } from '@tanstack/react-query';
import { findingsQuery } from '../../api/queries.ts';
import { countWords, numberWords } from '../../text/numbers.ts';
import { FindingCard } from '../../parts/finding-card.tsx';
import { Loaded } from '../../parts/loaded.tsx';
import { NoFindings } from './no-findings.tsx';
import { Section } from '../../parts/section.tsx';
import { SkeletonRows } from '../../parts/skeleton.tsx';
import { firstOf } from '../../parts/long-text.tsx';

/** More would bury the newest; the list below shows every entry that has no match. */
const SHOWN = 20;

function Closed({ findings }: { findings: readonly Finding[] }) {
  if (findings.length === 0) return null;
  return (
    <details className="group">
      <summary className="inline-block rounded-md text-sm font-medium text-muted hover:text-ink">
        {countWords(findings.length, 'finding', 'findings')} closed earlier
      </summary>
      <ul className="mt-3 space-y-2 text-sm">
        {findings.slice(0, SHOWN).map((finding) => (
          <li key={finding.id} className="wrap-anywhere text-muted">
            <code className="font-mono text-xs">{finding.code}</code> {firstOf(finding.sentence)}
          </li>
        ))}
      </ul>
    </details>
  );
}

function FindingList({ host, findings }: { host: HostSummary; findings: readonly Finding[] }) {
  const open = findings.filter((finding) => finding.open);
  return (
    <div className="space-y-4">
      {open.length === 0 && <NoFindings host={host} />}
      {open.slice(0, SHOWN).map((finding) => (
        <FindingCard key={finding.id} finding={finding} />
      ))}
      {host.openFindings > SHOWN && (
        <p className="text-sm text-muted">
          The newest {SHOWN} of {numberWords(host.openFindings)}. All of them:{' '}
          <code className="font-mono">GET /v1/findings</code>
        </p>
      )}
      <Closed findings={findings.filter((finding) => !finding.open)} />
    </div>
  );
}

export function Findings({ host }: { host: HostSummary }) {
  const query = useQuery(findingsQuery(host.name));
  return (
    <Section
      id="findings"
      title="Findings"
      aside={
        <p className="digits text-sm text-muted">
          {host.openFindings === 0 ? 'None open' : `${numberWords(host.openFindings)} open`}
        </p>
      }
    >
      <Loaded query={query} skeleton={<SkeletonRows rows={2} />}>
        {(findings) => <FindingList host={host} findings={findings} />}
      </Loaded>
    </Section>
  );
}
