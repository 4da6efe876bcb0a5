import { z } from 'zod';
import { optionsFrom } from '../options.ts';
import { openBaseline } from '../scan/baseline-file.ts';
import { baselineDrift, judged } from '../scan/drift.ts';
import { DiffOptions } from '../scan/options.ts';
import { reportDrift } from '../scan/report.ts';

const NO_PACKAGES = 'two baselines: no database of packages was asked';

/** `assay scan diff A B`: exit code 1 where there is a difference. */
export async function diffBaselines(a: unknown, b: unknown, given: unknown): Promise<number> {
  const options = optionsFrom(DiffOptions, given);
  const older = await openBaseline(z.string().parse(a), options);
  const newer = await openBaseline(z.string().parse(b), options);
  const { objects, drift } = baselineDrift(older, newer, options.times);
  const report = { schema: 'assay.scan-diff.v1', baselines: [older, newer], objects, notes: [NO_PACKAGES] };
  return reportDrift({ ...report, drift: judged(drift, new Map()) }, options);
}
