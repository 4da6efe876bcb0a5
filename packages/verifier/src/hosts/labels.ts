import { LABELS_MOST, type HostLabels, type LabelsRequest } from '@assay/wire';
import { audit } from '../access/audit.ts';
import type { Principal } from '../access/tokens.ts';
import type { Context } from '../context.ts';
import { transact } from '../news/news.ts';
import { RequestProblem } from '../problem.ts';
import { labelsOf, saveLabels } from '../store/labels.ts';
import { lockRounds } from '../store/rounds.ts';
import type { HostRow } from '../store/schema.ts';

/**
 * Sets labels of a host, and takes those away that are null.
 * @throws RequestProblem REQUEST-NOT-FOUND; REQUEST-INVALID when it would have more than it may
 */
export async function labelHost(
  context: Context,
  by: Principal,
  host: HostRow,
  { labels: wanted }: LabelsRequest,
): Promise<HostLabels> {
  return transact(context, async (db) => {
    if ((await lockRounds(db, [host.id])).length === 0) {
      throw new RequestProblem('REQUEST-NOT-FOUND', `${host.name} was removed meanwhile.`);
    }
    const labels = withLabels(await labelsOf(db, host.id), wanted);
    if (Object.keys(labels).length > LABELS_MOST) {
      throw new RequestProblem('REQUEST-INVALID', `A host has ${LABELS_MOST} labels at most.`);
    }
    await saveLabels(db, host.id, labels);
    await audit(db, context, { actor: by.name, action: 'host.label', subject: host.name, detail: { ...wanted } });
    return { result: labels, changes: [{ type: 'host', host: host.id }] };
  });
}

/** By name, so that they read the same wherever they are shown. */
function withLabels(before: HostLabels, wanted: LabelsRequest['labels']): HostLabels {
  const all = Object.entries({ ...before, ...wanted }).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(all.flatMap(([name, value]) => (value === null ? [] : [[name, value]])));
}
