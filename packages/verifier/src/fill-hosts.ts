import type { HostRow, Database } from './store/schema.ts';
import { insertFinding } from './store/findings.ts';
import { insertHost } from './store/hosts.ts';
import { saveLabels } from './store/labels.ts';
import { firstRound, saveRounds } from './store/rounds.ts';
import { newToken, tokenDigest } from './tokens.ts';

const VERDICTS = [
  'trusted',
  'trusted',
  'trusted',
  'trusted',
  'trusted',
  'trusted',
  'failed',
  'warning',
  'unverified',
] as const;

const RACKS = 40;
const CAUSES = 7;
const SENTENCE = 'Made to fill a store.';

type Keys = Pick<HostRow, 'ek_public' | 'ak_public'>;

/**
 * Fills a store with hosts `host-00000`, `host-00001` and so on, that stand differently: of nine, one failed for one of a
 * few causes. They have a label `rack`, fresh evidence and no list.
 *
 * @param keys public areas that all of them share
 */
export async function fillHosts(database: Database, count: number, keys: Keys): Promise<void> {
  const now = new Date().toISOString();
  await database.transaction().execute(async (db) => {
    for (let index = 0; index < count; index++) await fillHost(db, index, keys, now);
  });
}

async function fillHost(db: Database, index: number, keys: Keys, now: string): Promise<void> {
  const id = index.toString(16).padStart(16, '0');
  const verdict = VERDICTS[index % VERDICTS.length] ?? 'trusted';
  await insertHost(db, {
    ...keys,
    id,
    name: `host-${String(index).padStart(5, '0')}`,
    token_digest: tokenDigest(newToken()),
    enrolled_at: now,
    ak_since: now,
    tpm_kind: 'simulated',
    list_source: 'simulated',
    kernel: '6.12.0-simulated',
    verdict,
    sentence: SENTENCE,
    verdict_since: now,
    boot: null,
    reference_version: null,
    ek_certificates: null,
    endorsement: null,
  });
  await saveRounds(db, [{ ...firstRound(id), evidence_at: now }]);
  await saveLabels(db, id, { rack: String(index % RACKS) });
  if (verdict === 'failed') await fillFinding(db, id, `/opt/app-${index % CAUSES}`, now);
}

async function fillFinding(db: Database, host: string, path: string, now: string): Promise<void> {
  await insertFinding(db, {
    host,
    boot: null,
    code: 'IMA-UNKNOWN-DIGEST',
    severity: 'failed',
    sentence: `${path} was measured with a digest that no reference value has.`,
    entry: null,
    template: null,
    digest: null,
    filename_hint: path,
    explanation: '[]',
    next: '[]',
    open: 1,
    first_seen: now,
    last_seen: now,
    acknowledged_by: null,
    acknowledged_at: null,
    acknowledged_until: null,
    acknowledged_why: null,
    resolved_at: null,
    resolved_by: null,
    resolved_why: null,
  });
}
