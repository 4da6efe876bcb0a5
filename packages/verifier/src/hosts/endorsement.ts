import { FINDING_CODES } from '@assay/core/errors';
import { severityOf, type FindingDraft } from '@assay/core/verdict';
import type { Context } from '../context.ts';
import { transact, type Change } from '../news/news.ts';
import { hostsWithoutEndorsement, updateHost } from '../store/hosts.ts';
import { lockRounds } from '../store/rounds.ts';
import type { Database, FindingRow, HostRow } from '../store/schema.ts';
import { endorse, type Endorsing, type Refusal } from './ek-certificate.ts';
import { closeAll, openAll } from './findings.ts';
import { renewVerdict } from './verdict.ts';

/** Notes the result with the host: what vouches for its key, and the finding where something should and does not. */
export async function noteEndorsement(
  db: Database,
  context: Pick<Context, 'now'>,
  host: Pick<HostRow, 'id' | 'name'>,
  { endorsement, refusal }: Endorsing,
): Promise<Change[]> {
  await updateHost(db, host.id, { endorsement: endorsement === null ? null : JSON.stringify(endorsement) });
  const seenAt = context.now().toISOString();
  const sightings = refusal === null ? [] : [{ draft: draftOf(refusal, host.name), seenAt }];
  const opened = await openAll(db, { host: host.id, boot: null }, sightings);
  const current = new Set(opened.map(({ seq }) => seq));
  const closed = await closeAll(
    db,
    host.id,
    seenAt,
    (finding) => isAboutEndorsement(finding) && !current.has(finding.seq),
  );
  return [...closed, ...opened].map(({ seq }) => ({ type: 'finding', seq }));
}

function draftOf({ code, message }: Refusal, host: string): FindingDraft {
  return {
    code,
    severity: severityOf(code),
    sentence: `The endorsement certificate of ${host} does not verify: ${message}.`,
    evidence: { entry: null, template: null, digest: null, filenameHint: null },
    explanation: [{ cause: FINDING_CODES[code].meaning, confidence: 'high' }],
    next: [`assay hosts get ${host}`, 'assay verifier serve --ek-roots DIR'],
  };
}

export function isAboutEndorsement({ boot, code }: Pick<FindingRow, 'boot' | 'code'>): boolean {
  return boot === null && code !== 'EK-DUPLICATE' && (code.startsWith('CERT-') || code.startsWith('EK-'));
}

/** Another machine asks for what is the host's: enrolment/disputes.ts. */
export function isDispute({ boot, code }: Pick<FindingRow, 'boot' | 'code'>): boolean {
  return boot === null && (code === 'HOST-DUPLICATE' || code === 'EK-DUPLICATE');
}

/** Such a finding stays whatever evidence comes: quotes say nothing of who made the TPM, nor of who else asks. */
export function outlastsEvidence(finding: Pick<FindingRow, 'boot' | 'code'>): boolean {
  return isAboutEndorsement(finding) || isDispute(finding) || finding.code === 'POLICY-EXPIRED';
}

/** Looks again at the certificates that did not verify: the authorities may be others now. */
export async function endorseAgain(context: Context): Promise<void> {
  for (const host of await hostsWithoutEndorsement(context.database)) {
    const endorsing = endorse(context.ekAuthorities, host, context.now());
    if (endorsing.endorsement === null) continue;
    await transact(context, async (db) => {
      await lockRounds(db, [host.id]);
      const changes = await noteEndorsement(db, context, host, endorsing);
      await renewVerdict(db, context, host.id);
      return { result: undefined, changes: [...changes, { type: 'host', host: host.id }] };
    });
  }
}
