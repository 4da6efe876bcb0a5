import type { PolicyDiff } from '@assay/wire';
import { Badge } from '../../parts/badge.tsx';
import { LongText } from '../../parts/long-text.tsx';
import { countWords } from '../../text/numbers.ts';

type Differs = Pick<PolicyDiff, 'pools' | 'rules'>;
type PoolRow = PolicyDiff['pools'][number];

function versionsWords({ before, after }: PoolRow): string {
  if (before.length === 0) return after.join(', ');
  if (after.length === 0) return `${before.join(', ')} is there no more`;
  return before.join() === after.join() ? after.join(', ') : `${before.join(', ')} becomes ${after.join(', ')}`;
}

function filesWords({ updated, added, removed, digestsAdded, digestsRemoved }: PoolRow): string {
  const parts = [
    updated > 0 && `${countWords(updated, 'file', 'files')} updated`,
    added > 0 && `${countWords(added, 'file', 'files')} added`,
    removed > 0 && `${countWords(removed, 'file', 'files')} removed`,
    digestsAdded > updated + added && `${countWords(digestsAdded, 'digest', 'digests')} more`,
    digestsRemoved > updated + removed && `${countWords(digestsRemoved, 'digest', 'digests')} less`,
  ];
  return parts.filter((part) => part !== false).join(', ');
}

function changeOf({ before, after }: PoolRow): keyof typeof CHANGES {
  if (before.length === 0 && after.length > 0) return 'added';
  return after.length === 0 && before.length > 0 ? 'removed' : 'changed';
}

const CHANGES = {
  added: { tone: 'good', icon: 'plus', word: 'Added' },
  removed: { tone: 'caution', icon: 'cross', word: 'Removed' },
  changed: { tone: 'open', icon: 'arrow', word: 'Changed' },
} as const;

function Change({ change }: { change: keyof typeof CHANGES }) {
  const { tone, icon, word } = CHANGES[change];
  return (
    <Badge tone={tone} icon={icon}>
      {word}
    </Badge>
  );
}

const MEMBERS: Readonly<Record<PolicyDiff['rules'][number]['member'], string>> = {
  files: 'rule for a path',
  buffers: 'buffer',
  keyrings: 'keyring',
  ignoredKeyrings: 'ignored keyring',
  keys: 'key of a signer',
  excludes: 'exclude',
  denied: 'denied digest',
  kernelPolicy: 'IMA policy of the kernel',
  bootAggregate: 'boot aggregate',
  validUntil: 'end',
};

/** What differs from one version to another, by package and rule. */
export function DiffView({ diff: { pools, rules } }: { diff: Differs }) {
  if (pools.length === 0 && rules.length === 0) return <p className="text-muted">Nothing differs.</p>;
  return (
    <ul className="card divide-y divide-line">
      {pools.map((pool) => (
        <li
          key={`${pool.kind} ${pool.name}`}
          className="flex flex-wrap items-baseline gap-x-3 gap-y-1 px-4 py-2.5 text-sm"
        >
          <Change change={changeOf(pool)} />
          <span className="text-muted">{pool.kind}</span>
          <bdi className="font-medium wrap-anywhere">{pool.name}</bdi>
          <bdi className="text-muted wrap-anywhere">{versionsWords(pool)}</bdi>
          <span className="digits ms-auto text-muted">{filesWords(pool)}</span>
        </li>
      ))}
      {rules.map(({ member, change, subject }) => (
        <li key={`${member} ${subject}`} className="flex flex-wrap items-baseline gap-x-3 gap-y-1 px-4 py-2.5 text-sm">
          <Change change={change} />
          <span className="text-muted">{MEMBERS[member]}</span>
          <span className="min-w-0 font-mono text-xs wrap-anywhere">
            <LongText text={subject} />
          </span>
        </li>
      ))}
    </ul>
  );
}
