import type { PolicyList } from '@assay/wire';
import { Badge } from '../../parts/badge.tsx';
import { Icon } from '../../parts/icon.tsx';
import { Age, Since } from '../../parts/time-text.tsx';

type Source = NonNullable<PolicyList['source']>;

/** Of a commit or digest, with the name of its algorithm where it has one. */
const SHORT = 12;

const shortened = (commit: string): string => commit.slice(0, commit.indexOf(':') + 1 + SHORT);

function Commit({ commit }: { commit: string }) {
  return (
    <code title={commit} className="font-mono text-xs">
      {shortened(commit)}
    </code>
  );
}

/** The directory or repository that says what is allowed: what it has is put in force, and nothing is changed here. */
export function PolicySource({
  source: { origin, branch, commit, signer, appliedAt, checkedAt, failure },
}: {
  source: Source;
}) {
  return (
    <div
      data-tone={failure === null ? 'quiet' : 'bad'}
      role={failure === null ? undefined : 'alert'}
      className="mb-5 space-y-1 rounded-xl border border-tone-line bg-tone-soft px-4 py-3 text-sm"
    >
      <p className="wrap-anywhere">
        <strong>Managed in</strong> <bdi className="font-mono text-xs">{origin}</bdi>
        {branch !== null && (
          <>
            , branch <bdi>{branch}</bdi>
          </>
        )}
        : change it there. Looked at <Age at={checkedAt} />
        {commit !== null && appliedAt !== null && (
          <>
            ; <Commit commit={commit} /> {signer !== null && <bdi>signed by {signer} </bdi>}applied{' '}
            <Age at={appliedAt} />
          </>
        )}
        .
      </p>
      {failure !== null && (
        <p className="text-tone wrap-anywhere">
          <Icon name="cross" className="me-1 inline size-4 align-text-bottom" />
          <strong>Not applied</strong>
          {'. '}
          What it has now cannot be used, and what is in force stays: <bdi>{failure.message}</bdi>{' '}
          <code className="font-mono text-xs">{failure.code}</code>, <Since at={failure.since} />
        </p>
      )}
    </div>
  );
}

/** Which file of the source a policy comes from, and in what it is not as the source has it. */
export function ManagedBy({ managed: { file, commit, version, drift } }: { managed: PolicyList['managed'][number] }) {
  return (
    <p
      data-tone={drift === null ? 'quiet' : 'caution'}
      className="border-b border-line px-5 py-2 text-sm wrap-anywhere"
    >
      <span className="text-muted">
        Version {version} from <bdi className="font-mono text-xs">{file}</bdi> at <Commit commit={commit} />
      </span>
      {drift !== null && (
        <>
          {' '}
          <Badge tone="caution" icon="alert">
            Differs
          </Badge>{' '}
          <bdi className="text-tone">{drift}</bdi>
        </>
      )}
    </p>
  );
}
