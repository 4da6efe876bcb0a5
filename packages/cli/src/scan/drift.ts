import {
  comparePaths,
  driftAt,
  isBelow,
  severityOf,
  SEVERITIES,
  withMoves,
  type Drift,
  type Reason,
  type Severity,
} from '@assay/core/baseline';
import { scanTree, type ScannedPath } from '@assay/linux/scan';
import { TreeWalk } from '@assay/linux/tree';
import type { Stop } from '../labels/over-tree.ts';
import { Progress } from '../output/progress.ts';
import { baselineObjects, type OpenedBaseline } from './baseline-file.ts';

/** A difference, how grave it is, and what explains it. */
export interface JudgedDrift {
  readonly drift: Drift;
  readonly severity: Severity;
  readonly reason?: Reason;
}

/** What a comparison found. */
export interface FoundDrift {
  /** Objects that there are. */
  readonly objects: number;
  readonly drift: readonly Drift[];
}

export interface CheckSetup {
  readonly times: boolean;
  readonly fast: boolean;
  readonly threads: number | undefined;
}

/** Compares the trees of a baseline with it. Ends early, and with nothing, when that is asked for. */
export async function treeDrift(
  baseline: OpenedBaseline,
  { times, fast, threads }: CheckSetup,
  stop: Stop,
): Promise<FoundDrift> {
  const { header, objects: total } = baseline.parsed;
  const walk = new TreeWalk(header);
  const found = walk.everything(header.roots.map(({ path }) => Buffer.from(path, 'latin1')));
  const options = { algorithm: header.algorithm, fast, ...(threads === undefined ? {} : { threads }) };
  const progress = new Progress('objects', total);
  const drift: Drift[] = [];
  let objects = 0;
  try {
    for await (const scanned of scanTree(found, baselineObjects(baseline), options)) {
      if (stop.asked) break;
      if (scanned.after !== undefined) objects += 1;
      drift.push(...driftOf(scanned, times));
      progress.report(objects, objects);
    }
  } finally {
    progress.end();
  }
  return { objects, drift: withMoves(drift) };
}

function driftOf({ path, before, after, unknown }: ScannedPath, times: boolean): readonly Drift[] {
  if (unknown === undefined) return driftAt(before, after, times);
  return [{ kind: 'unknown', path, reason: unknown }];
}

/** Compares two baselines, whatever their trees are. */
export function baselineDrift(older: OpenedBaseline, newer: OpenedBaseline, times: boolean): FoundDrift {
  const [left, right] = [baselineObjects(older), baselineObjects(newer)];
  const drift: Drift[] = [];
  let [a, b] = [left.next(), right.next()];
  while (a.done !== true || b.done !== true) {
    const before = a.done === true ? undefined : a.value;
    const after = b.done === true ? undefined : b.value;
    const order = orderOf(before?.path, after?.path);
    drift.push(...driftAt(order > 0 ? undefined : before, order < 0 ? undefined : after, times));
    if (order <= 0) a = left.next();
    if (order >= 0) b = right.next();
  }
  return { objects: newer.parsed.objects, drift: withMoves(drift) };
}

/** What is over comes last. */
function orderOf(a: string | undefined, b: string | undefined): number {
  if (a === undefined) return 1;
  return b === undefined ? -1 : comparePaths(a, b);
}

/** The gravest first, then by path. */
export function judged(drift: readonly Drift[], reasons: ReadonlyMap<Drift, Reason>): JudgedDrift[] {
  const all = drift.map((each): JudgedDrift => {
    const reason = reasons.get(each);
    const severity = severityOf(each, reason);
    return reason === undefined ? { drift: each, severity } : { drift: each, severity, reason };
  });
  return all.toSorted((a, b) => rank(a) - rank(b) || comparePaths(a.drift.path, b.drift.path));
}

function rank({ severity }: JudgedDrift): number {
  return SEVERITIES.indexOf(severity);
}

/** The directory, of at most so many components, for counts. */
export function directoryOf(path: string, roots: readonly string[]): string {
  const root = roots.find((each) => each === path || isBelow(path, each)) ?? '/';
  const below = path.slice(root === '/' ? 1 : root.length + 1).split('/');
  const [first] = below;
  if (first === undefined || below.length < 2) return root;
  return root === '/' ? `/${first}` : `${root}/${first}`;
}
