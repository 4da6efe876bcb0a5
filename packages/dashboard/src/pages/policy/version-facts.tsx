import type { PolicyVersion } from '@assay/wire';
import { Link } from '@tanstack/react-router';
import { FullValue } from '../../parts/digest.tsx';
import { FactList } from '../../parts/fact-list.tsx';
import { Age, ClockTime, Since } from '../../parts/time-text.tsx';
import { countWords, numberWords } from '../../text/numbers.ts';
import { VersionState } from '../policies/version-state.tsx';

interface FactsProps {
  readonly version: PolicyVersion;
  /** The version of the policy that is in force. */
  readonly inForce: number | undefined;
  readonly hosts: number;
}

/** When a version ends, and when the first part of it does; for what is in force. */
function endsOf({ validUntil, nextEnd }: PolicyVersion) {
  return [
    ...(nextEnd !== null && nextEnd !== validUntil
      ? [['The next part ends', <ClockTime key="next" at={nextEnd} />] as const]
      : []),
    ...(validUntil === null ? [] : [['Good until', <ClockTime key="until" at={validUntil} />] as const]),
  ];
}

/** What is known of a version of a policy: who said so, since when, until when, and for how many hosts. */
export function VersionFacts({ version, inForce, hosts }: FactsProps) {
  return (
    <div className="card space-y-3 px-5 py-4">
      <VersionState version={version} inForce={inForce} />
      <FactList
        facts={[
          [
            'Pushed',
            <span key="pushed">
              <Age at={version.pushedAt} /> by <bdi>{version.pushedBy}</bdi>
            </span>,
          ],
          ...(version.commit === null
            ? []
            : [
                [
                  'Commit',
                  <code key="commit" className="font-mono text-xs">
                    {version.commit}
                  </code>,
                ] as const,
              ]),
          ['Signed by', <bdi key="signer">{version.signer ?? 'nobody whom this verifier trusts'}</bdi>],
          ['In force', version.inForceSince === null ? 'no' : <Since key="since" at={version.inForceSince} />],
          ...endsOf(version),
          ['Digests', numberWords(version.digests)],
          [
            'Hosts',
            <Link key="hosts" to="/hosts" search={{ policy: version.name }} className="underline underline-offset-4">
              {countWords(hosts, 'host', 'hosts')}
            </Link>,
          ],
        ]}
      />
      <FullValue value={version.digest} what="digest of the document" />
    </div>
  );
}
