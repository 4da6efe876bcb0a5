import type { VerifiedEvidence } from '@assay/core/evidence';
import { firmwareFinding } from '@assay/core/verdict';
import type { EvidenceMessage } from '@assay/wire';
import type { Context } from '../context.ts';
import { outlastsEvidence } from '../hosts/endorsement.ts';
import { closeAll, openAll, type Sighting } from '../hosts/findings.ts';
import { sameBootPcrs } from '../hosts/kept.ts';
import type { Change } from '../news/news.ts';
import { addBoot, bootById, updateBoot } from '../store/boots.ts';
import { entryIds } from '../store/entries.ts';
import { moveFindings } from '../store/findings.ts';
import { updateHost } from '../store/hosts.ts';
import { appendToList } from '../store/lists.ts';
import type { BootRow, Database, FindingRow, HostRow, RoundRow } from '../store/schema.ts';
import { isAboutBootLog, takeBootLog } from './boot-log.ts';
import { findingChanges } from './changes.ts';
import { judged, newEntries } from './measurements.ts';
import { NONE_PROVED, sightingsOf, storeParts } from './proved-parts.ts';
import type { Waiting } from './sent-before.ts';

/** Evidence that holds: the new entries are stored and judged, and findings open and close. */
export async function acceptEvidence(
  db: Database,
  context: Context,
  { host, round, waiting }: { readonly host: HostRow; readonly round: RoundRow; readonly waiting: Waiting | null },
  { facts, eventLog }: Pick<EvidenceMessage, 'facts' | 'eventLog'>,
  evidence: VerifiedEvidence,
): Promise<Change[]> {
  const receivedAt = context.now().toISOString();
  const boot = await bootFor(db, host, round, evidence, receivedAt);
  const proved = waiting === null ? NONE_PROVED : await storeParts(db, context, { host, boot, evidence, waiting });
  const judgements = await judged(db, context, host, evidence.pcrs, evidence.entries);
  await storeEntries(db, boot, evidence, { receivedAt, violations: proved.violations });
  await updateHost(db, host.id, {
    boot: boot.id,
    tpm_kind: facts.tpmKind,
    list_source: facts.listSource,
    kernel: facts.kernel,
  });
  const ofLog = eventLog === undefined ? [] : await takeBootLog(db, { host, boot, evidence, receivedAt }, eventLog);
  const sightings = [
    ...ofLog.map((draft) => ({ draft, seenAt: receivedAt })),
    ...firmwareSighting(host, evidence, receivedAt),
    ...proved.sightings,
    ...sightingsOf(judgements, receivedAt),
  ];
  const over = eventLog === undefined ? () => false : isAboutBootLog;
  return [...arrived(boot, evidence), ...(await changeFindings(db, boot, { sightings, over }, evidence, receivedAt))];
}

/** Nothing but the time of the evidence changes: no entry, boot, boot event log, fact, firmware or finding. */
export function isIdle(
  host: HostRow,
  round: RoundRow,
  { facts, eventLog }: Pick<EvidenceMessage, 'facts' | 'eventLog'>,
  evidence: VerifiedEvidence,
): boolean {
  if (eventLog !== undefined || !sameBootPcrs(round, evidence)) return false;
  if (evidence.boot !== 'same' || evidence.entries.length > 0 || evidence.firmwareBefore !== undefined) return false;
  if (round.refused === 1 || host.verdict === 'stale' || host.verdict === 'pending') return false;
  return facts.tpmKind === host.tpm_kind && facts.listSource === host.list_source && facts.kernel === host.kernel;
}

/**
 * The boot that the evidence is of. A host that enrolled again sends the whole list of a boot that may be known: it is
 * kept as a list of its own, with what the findings of that boot were called.
 */
async function bootFor(
  db: Database,
  host: HostRow,
  round: RoundRow,
  evidence: VerifiedEvidence,
  since: string,
): Promise<BootRow> {
  const { resetCount, restartCount } = evidence.state;
  const current = host.boot === null ? undefined : await bootById(db, host.boot);
  if (current !== undefined && evidence.boot === 'same') return current;
  const boot = {
    host: host.id,
    reset_count: resetCount,
    restart_count: restartCount,
    since,
    entries: 0,
    violations: 0,
    until: null,
  };
  const id = await addBoot(db, boot);
  if (current !== undefined) {
    await updateBoot(db, current.id, { until: round.evidence_at ?? since });
    const again = current.reset_count === resetCount && current.restart_count === restartCount;
    if (again) await moveFindings(db, current.id, id);
  }
  return { ...boot, id };
}

async function storeEntries(
  db: Database,
  boot: BootRow,
  { entries, state }: VerifiedEvidence,
  proved: { readonly receivedAt: string; readonly violations: number },
): Promise<void> {
  const ids = await entryIds(db, newEntries(entries));
  const first = state.entries - entries.length + 1;
  await appendToList(db, { boot: boot.id, first, ids, receivedAt: proved.receivedAt });
  const violations = boot.violations + proved.violations + entries.filter((entry) => entry.violation).length;
  await updateBoot(db, boot.id, { entries: state.entries, violations });
}

function arrived(boot: BootRow, { state }: VerifiedEvidence): Change[] {
  if (state.entries === boot.entries) return [];
  return [{ type: 'measurements', host: boot.host, boot: boot.id, from: boot.entries + 1, to: state.entries }];
}

function firmwareSighting(host: HostRow, { firmwareBefore, quote }: VerifiedEvidence, seenAt: string): Sighting[] {
  if (firmwareBefore === undefined) return [];
  return [{ draft: firmwareFinding(host.name, firmwareBefore, quote.firmwareVersion), seenAt }];
}

/** Findings about refused evidence end with evidence that holds; those of an earlier boot end with that boot. */
async function changeFindings(
  db: Database,
  boot: BootRow,
  { sightings, over }: { readonly sightings: readonly Sighting[]; readonly over: (finding: FindingRow) => boolean },
  evidence: VerifiedEvidence,
  receivedAt: string,
): Promise<Change[]> {
  const opened = await openAll(db, { host: boot.host, boot: boot.id }, sightings);
  const current = new Set(opened.map((row) => row.seq));
  const wholeList = evidence.boot !== 'same';
  const closed = await closeAll(
    db,
    boot.host,
    receivedAt,
    (finding) =>
      !outlastsEvidence(finding) && !current.has(finding.seq) && (wholeList || finding.boot === null || over(finding)),
  );
  return findingChanges([...closed, ...opened]);
}
