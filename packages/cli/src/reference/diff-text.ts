import type { PoolChange, ReferenceDiff } from '@assay/core/reference';
import { shown } from '../output/terminal.ts';

/** A line for each package and rule. */
export function diffText({ pools, rules }: ReferenceDiff): string {
  if (pools.length + rules.length === 0) return 'no difference\n';
  const lines = [
    ...pools.map(poolText),
    ...rules.map(({ member, change, subject }) => `${member}: ${change} ${shown(subject)}`.trimEnd()),
  ];
  return `${lines.join('\n')}\n`;
}

function poolText(change: PoolChange): string {
  const name = `${change.kind === 'package' ? '' : `${change.kind} `}${shown(change.name)}`;
  const counts = [
    [change.updated, 'updated'],
    [change.added, 'added'],
    [change.removed, 'removed'],
  ] as const;
  const files = counts.filter(([number]) => number > 0).map(([number, what]) => `${fileCount(number)} ${what}`);
  const digests = `${change.digestsAdded} digests more, ${change.digestsRemoved} fewer`;
  return `${name}: ${[...versions(change), files.join(', ') || digests].join(', ')}`;
}

function versions({ before, after }: PoolChange): string[] {
  const [old, now] = [before, after].map((of) => shown(of.join(', ')));
  if (old === now) return [];
  if (old === '') return [`new ${now}`];
  return [now === '' ? `${old} is gone` : `${old} -> ${now}`];
}

function fileCount(number: number): string {
  return number === 1 ? '1 file' : `${number} files`;
}
