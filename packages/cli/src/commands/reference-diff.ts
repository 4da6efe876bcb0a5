import { diffReferences, type PoolChange, type ReferenceDiff } from '@assay/core/reference';
import { z } from 'zod';
import { EXIT } from '../exit.ts';
import { optionsFrom, OutputOptions } from '../options.ts';
import { printJson } from '../output/report.ts';
import { shown } from '../output/terminal.ts';
import { readReference } from '../reference/files.ts';

/** `assay reference diff A B` */
export async function diffReferenceFiles(a: unknown, b: unknown, given: unknown): Promise<number> {
  const { output } = optionsFrom(OutputOptions, given);
  const [before, after] = await Promise.all([a, b].map((file) => readReference(z.string().parse(file))));
  if (before === undefined || after === undefined) throw new Error('two files are read');
  const diff = diffReferences(before.reference.document, after.reference.document);
  if (output === 'json') printJson({ schema: 'assay.reference-diff.v1', ...diff });
  else process.stdout.write(diffText(diff));
  return diff.pools.length + diff.rules.length === 0 ? EXIT.fine : EXIT.no;
}

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
