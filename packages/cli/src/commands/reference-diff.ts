import { diffReferences } from '@assay/core/reference';
import { z } from 'zod';
import { EXIT } from '../exit.ts';
import { optionsFrom, OutputOptions } from '../options.ts';
import { printJson } from '../output/report.ts';
import { diffText } from '../reference/diff-text.ts';
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
