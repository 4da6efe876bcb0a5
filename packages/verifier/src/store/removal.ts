import type { Database } from './schema.ts';

/** Takes a host, and all that is known of it, out of the store; entries that others share stay. @returns its enrolments */
export async function deleteHost(db: Database, host: string): Promise<number[]> {
  await db.updateTable('hosts').set({ boot: null, reference_version: null }).where('id', '=', host).execute();
  const boots = db.selectFrom('boots').select('id').where('host', '=', host);
  await db.deleteFrom('findings').where('host', '=', host).execute();
  await db.deleteFrom('boot_entries').where('boot', 'in', boots).execute();
  await db.deleteFrom('boot_logs').where('host', '=', host).execute();
  await db.deleteFrom('boots').where('host', '=', host).execute();
  await db.deleteFrom('reference_values').where('host', '=', host).execute();
  await db.deleteFrom('reference_versions').where('host', '=', host).execute();
  await db.deleteFrom('host_policies').where('host', '=', host).execute();
  await db.deleteFrom('verdict_changes').where('host', '=', host).execute();
  await db.deleteFrom('host_labels').where('host', '=', host).execute();
  await db.deleteFrom('key_renewals').where('host', '=', host).execute();
  await db.deleteFrom('list_parts').where('host', '=', host).execute();
  await db.deleteFrom('rounds').where('host', '=', host).execute();
  await db.deleteFrom('enrolments').where('host', '=', host).execute();
  const admissions = db.deleteFrom('admissions').where('host', '=', host).where('state', '!=', 'refused');
  const removed = await admissions.returning('seq').execute();
  await db.deleteFrom('hosts').where('id', '=', host).execute();
  return removed.map(({ seq }) => seq);
}
