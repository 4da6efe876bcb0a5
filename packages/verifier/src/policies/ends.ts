import { nextEnd, parseReference } from '@assay/core/reference';
import { expiredFinding } from '@assay/core/verdict';
import type { Context } from '../context.ts';
import { closeAll, openAll } from '../hosts/findings.ts';
import type { Change } from '../news/news.ts';
import { judgeAllAgain, policiesEnded, policyOf, putInForce } from '../store/policies.ts';
import type { Database, PolicyInForceRow } from '../store/schema.ts';

/** Has the boots of a policy judged again when something of the version in force ends: a pool, an exclude, or itself. */
export async function renewEnds(context: Context): Promise<void> {
  const now = context.now();
  for (const row of await policiesEnded(context.database, now.toISOString())) {
    await context.database.transaction().execute(async (db) => {
      const version = await policyOf(db, row.name, row.version);
      if (version === undefined) return;
      const { document } = parseReference(version.document);
      await putInForce(db, { ...row, valid_until: document.validUntil ?? null, ends_at: nextEnd(document, now) });
      await judgeAllAgain(db, row.name);
    });
    context.log(`policy ${row.name}: something of version ${row.version} ended`);
  }
}

/** Opens the finding about a version whose time is over, or closes it. */
export async function noteExpiry(
  db: Database,
  { now }: Pick<Context, 'now'>,
  host: string,
  { name, version, valid_until: validUntil }: PolicyInForceRow,
): Promise<Change[]> {
  const seenAt = now().toISOString();
  const isOver = validUntil !== null && Date.parse(validUntil) < now().getTime();
  const sightings = isOver ? [{ draft: expiredFinding(name, version, validUntil), seenAt }] : [];
  const opened = await openAll(db, { host, boot: null }, sightings);
  const current = new Set(opened.map(({ seq }) => seq));
  const closed = await closeAll(db, host, seenAt, ({ code, seq }) => code === 'POLICY-EXPIRED' && !current.has(seq));
  return [...closed, ...opened].map(({ seq }) => ({ type: 'finding', seq }));
}
