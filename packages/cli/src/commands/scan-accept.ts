import { resolve } from 'node:path';
import { comparePaths, textOfPath, type BaselineObject } from '@assay/core/baseline';
import { globMatcher } from '@assay/core/bytes';
import { z } from 'zod';
import { EXIT } from '../exit.ts';
import { Stop } from '../labels/over-tree.ts';
import { optionsFrom } from '../options.ts';
import { printJson } from '../output/report.ts';
import { shown } from '../output/terminal.ts';
import { baselineObjects, openBaseline, type OpenedBaseline } from '../scan/baseline-file.ts';
import { judged, treeDrift, type JudgedDrift } from '../scan/drift.ts';
import { baselineSigner } from '../scan/keys.ts';
import { AcceptOptions } from '../scan/options.ts';
import { packageReasons } from '../scan/reasons.ts';
import { BaselineWriter } from '../scan/writer.ts';

/** `assay scan accept FILE --out NEW`: exit code 1 where a difference is left. */
export async function acceptDrift(file: unknown, given: unknown): Promise<number> {
  const options = optionsFrom(AcceptOptions, given);
  const signer = await baselineSigner(options);
  const baseline = await openBaseline(z.string().parse(file), options);
  using stop = new Stop();
  const { drift } = await treeDrift(baseline, { times: false, fast: false, threads: options.threads }, stop);
  if (stop.asked) return EXIT.interrupted;
  const reasons = await packageReasons(drift, resolve(options.packageRoot), baseline.parsed.header.created);
  const all = judged(drift, reasons);
  const accepted = all.filter(isAccepted(options.path.map(globMatcher)));
  using writer = new BaselineWriter(options.out, { ...baseline.parsed.header, created: new Date().toISOString() });
  for (const object of updated(baseline, accepted)) writer.add(object);
  await writer.finish(signer);
  const taken = new Set(accepted);
  const left = all.filter((each) => !taken.has(each));
  const counts = { file: options.out, objects: writer.objects, accepted: accepted.length, left: left.length };
  if (options.output === 'json')
    printJson({
      schema: 'assay.scan-accept.v1',
      ...counts,
      paths: left.map(({ drift: each }) => textOfPath(each.path)),
    });
  else process.stdout.write(textOf(counts, left));
  return left.length === 0 ? EXIT.fine : EXIT.no;
}

function isAccepted(patterns: readonly ((path: string) => boolean)[]): (each: JudgedDrift) => boolean {
  return ({ drift, reason }) => {
    if (drift.kind === 'unknown') return false;
    const path = Buffer.from(drift.path, 'latin1').toString('utf8');
    return reason?.explains === true || patterns.some((matches) => matches(path));
  };
}

/** The old objects with the accepted differences in their places. */
function* updated(baseline: OpenedBaseline, accepted: readonly JudgedDrift[]): Generator<BaselineObject> {
  const gone = new Set<string>();
  const now: BaselineObject[] = [];
  for (const { drift } of accepted) {
    if ('before' in drift) gone.add(drift.before.path);
    if ('after' in drift) now.push(drift.after);
  }
  now.sort((a, b) => comparePaths(a.path, b.path));
  let next = 0;
  for (const object of baselineObjects(baseline)) {
    for (let each = now[next]; each !== undefined && comparePaths(each.path, object.path) <= 0; each = now[next]) {
      yield each;
      next += 1;
    }
    if (!gone.has(object.path)) yield object;
  }
  yield* now.slice(next);
}

interface Counts {
  readonly file: string;
  readonly objects: number;
  readonly accepted: number;
  readonly left: number;
}

function textOf({ file, objects, accepted, left }: Counts, rest: readonly JudgedDrift[]): string {
  const lines = [`${shown(file)}: ${objects} objects, ${accepted} differences taken over, ${left} left as they were`];
  for (const { drift, severity } of rest) lines.push(`  ${severity}  ${drift.kind}  ${textOfPath(drift.path)}`);
  return `${lines.join('\n')}\n`;
}
