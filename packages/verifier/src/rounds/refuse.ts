import type { VerificationError } from '@assay/core/errors';
import { explainRefusal, severityOf, type FindingDraft } from '@assay/core/verdict';
import type { Context } from '../context.ts';
import { openAll } from '../hosts/findings.ts';
import { findingOf } from '../store/findings.ts';
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
  const drafts = errors.filter((error) => error.code !== 'IMA-LOG-GAP').map((error) => draftOf(error, host.name));
  const cloned = await isCloned(db, host.id, errors, context.now());
  const sightings = drafts.map((draft) => ({ draft: cloned ? clonedDraft(draft, host.name) : draft, seenAt }));
  for (const { code, message } of errors) context.log(`${host.name}: evidence refused, ${code}: ${message}`);
  const findings = await openAll(db, { host: host.id, boot: null }, sightings);
  return findingChanges(findings);
}

const CLONE_MILLISECONDS = 60 * 60 * 1000;

/**
 * Whether one machine was accepted between two refusals of another that is in an older state. Both answer challenges of their
 * own, which a replay cannot; a machine that was put back to a snapshot is refused, and none is accepted in between.
 */
async function isCloned(db: Database, host: string, errors: readonly VerificationError[], now: Date): Promise<boolean> {
  if (!errors.some(({ code }) => code === CLOCK_BACK)) return false;
  const before = await findingOf(db, { host, boot: null, code: CLOCK_BACK, digest: null, filename_hint: null });
  if (before === undefined) return false;
  const acceptedSince = before.open === 0 && before.resolved_by === null;
  const known = acceptedSince || before.sentence.startsWith(CLONED);
  return known && now.getTime() - Date.parse(before.last_seen) < CLONE_MILLISECONDS;
}

const CLOCK_BACK = 'QUOTE-CLOCK-BACK';
const CLONED = 'Two machines with one TPM state answer as ';

function clonedDraft(draft: FindingDraft, host: string): FindingDraft {
  if (draft.code !== CLOCK_BACK) return draft;
  const cause =
    'A virtual machine was cloned with its TPM and the state of its agent: give one of the two a new TPM, remove ' +
    '/var/lib/assay-agent there, and enrol it under another name.';
  const sentence = `${CLONED}${host}: evidence of the one is accepted, and that of the other refused, in turn.`;
  return { ...draft, sentence, explanation: [{ cause, confidence: 'high' }] };
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
