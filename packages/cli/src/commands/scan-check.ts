import { resolve } from 'node:path';
import { z } from 'zod';
import { EXIT } from '../exit.ts';
import { Stop } from '../labels/over-tree.ts';
import { optionsFrom } from '../options.ts';
import { openBaseline } from '../scan/baseline-file.ts';
import { judged, treeDrift } from '../scan/drift.ts';
import { CheckOptions } from '../scan/options.ts';
import { packageReasons } from '../scan/reasons.ts';
import { reportDrift } from '../scan/report.ts';

const FAST =
  'fast: files with the same inode, size, mtime and ctime were not read; who sets the clock or writes the disk can hide a change so';

/** `assay scan check FILE`: exit code 1 where there is a difference. */
export async function checkBaseline(file: unknown, given: unknown): Promise<number> {
  const options = optionsFrom(CheckOptions, given);
  const { times, fast, threads } = options;
  const baseline = await openBaseline(z.string().parse(file), options);
  using stop = new Stop();
  const { objects, drift } = await treeDrift(baseline, { times, fast, threads }, stop);
  if (stop.asked) return EXIT.interrupted;
  const reasons = await packageReasons(drift, resolve(options.packageRoot), baseline.parsed.header.created);
  const notes = fast ? [FAST] : [];
  const report = { schema: 'assay.scan-check.v1', baselines: [baseline], objects, notes };
  return await reportDrift({ ...report, drift: judged(drift, reasons) }, options);
}
