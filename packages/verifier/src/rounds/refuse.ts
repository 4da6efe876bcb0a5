import type { VerificationError } from '@assay/core/errors';
import { explainRefusal, severityOf, type FindingDraft } from '@assay/core/verdict';
import type { Context } from '../context.ts';
import { openAll } from '../hosts/findings.ts';
import type { Change } from '../news/news.ts';
import type { Database, HostRow } from '../store/schema.ts';
import { findingChanges } from './changes.ts';

/**
 * Evidence that does not verify: what is kept of the host stays as it is, and a finding says why; the next good
 * evidence closes it. A gap is no finding: a host that was rebooted sends one, and then its list from the start.
 */
export async function refuseEvidence(
  db: Database,
  context: Context,
  host: HostRow,
  errors: readonly VerificationError[],
): Promise<Change[]> {
  const seenAt = context.now().toISOString();
  const sightings = errors
    .filter((error) => error.code !== 'IMA-LOG-GAP')
    .map((error) => ({ draft: draftOf(error, host.name), seenAt }));
  for (const { code, message } of errors) context.log(`${host.name}: evidence refused, ${code}: ${message}`);
  const findings = await openAll(db, { host: host.id, boot: null }, sightings);
  return findingChanges(findings);
}

function draftOf(error: VerificationError, host: string): FindingDraft {
  return {
    code: error.code,
    severity: severityOf(error.code),
    sentence: `The evidence of ${host} was refused: ${error.message}.`,
    evidence: { entry: error.place.entry ?? null, template: null, digest: null, filenameHint: null },
    explanation: explainRefusal(error.code),
    next: [`assay hosts get ${host}`],
  };
}
