import { HostLabels } from '@assay/wire';
import type { Database } from './schema.ts';

export const labelsIn = (text: string): HostLabels => HostLabels.parse(JSON.parse(text));

export async function labelsOf(db: Database, host: string): Promise<HostLabels> {
  const row = await db.selectFrom('host_labels').select('labels').where('host', '=', host).executeTakeFirst();
  return row === undefined ? {} : labelsIn(row.labels);
}

export async function saveLabels(db: Database, host: string, labels: HostLabels): Promise<void> {
  const text = JSON.stringify(labels);
  await db
    .insertInto('host_labels')
    .values({ host, labels: text })
    .onConflict((conflict) => conflict.column('host').doUpdateSet({ labels: text }))
    .execute();
}
