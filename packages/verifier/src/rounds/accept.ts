import type { VerifiedEvidence } from '@assay/core/evidence';
import { nodeHasher } from '@assay/core/node';
import { firmwareFinding, judgeEntries, type Judgement } from '@assay/core/verdict';
import type { HostFacts } from '@assay/wire';
import type { Context } from '../context.ts';
import { storedQuote } from '../hosts/facts.ts';
import { closeAll, openAll, type Sighting } from '../hosts/findings.ts';
import { addBoot, bootById, saveKeptState, updateBoot } from '../store/boots.ts';
import { updateHost } from '../store/hosts.ts';
import { dropMeasurements, insertMeasurements } from '../store/measurements.ts';
import type { BootRow, Database, FindingRow, HostRow } from '../store/schema.ts';
import { rowsOf } from './measurements.ts';
import type { Changes } from './changes.ts';

/** Evidence that holds: the kept state moves on, and the new entries are stored and judged. */
export async function acceptEvidence(
  db: Database,
  context: Context,
  host: HostRow,
  facts: HostFacts,
  evidence: VerifiedEvidence,
): Promise<Changes> {
  const at = context.now();
  const receivedAt = at.toISOString();
  const boot = await bootFor(db, host, evidence, receivedAt);
  const judgements = await judged(db, context, host, evidence);
  const rows = rowsOf(evidence.entries, judgements, { boot: boot.id, receivedAt });
  await insertMeasurements(db, rows);
  const violations = boot.violations + evidence.entries.filter((entry) => entry.violation).length;
  await updateBoot(db, boot.id, { entries: evidence.state.entries, violations });
  await keep(db, host, evidence);
  await updateHost(db, host.id, {
    boot: boot.id,
    evidence_at: receivedAt,
    quote: storedQuote({ ...evidence.state, at, pcrs: evidence.pcrs }),
    tpm_kind: facts.tpmKind,
    list_source: facts.listSource,
    kernel: facts.kernel,
  });
  const sightings = [...firmwareSighting(host, evidence, receivedAt), ...sightingsOf(judgements, receivedAt)];
  const findings = await moveFindings(db, boot, sightings, evidence);
  return { measurements: rows, findings };
}

/**
 * The boot that the evidence is of. A host that enrolled again sends the whole list of a boot that may be known: its
 * entries are stored anew, under the same boot, so that its findings keep their names.
 */
async function bootFor(db: Database, host: HostRow, evidence: VerifiedEvidence, since: string): Promise<BootRow> {
  const { resetCount, restartCount } = evidence.state;
  const current = host.boot === null ? undefined : await bootById(db, host.boot);
  if (current !== undefined && evidence.boot === 'same') return current;
  if (current?.reset_count === resetCount && current.restart_count === restartCount) {
    await dropMeasurements(db, current.id);
    return { ...current, entries: 0, violations: 0 };
  }
  const boot = {
    host: host.id,
    reset_count: resetCount,
    restart_count: restartCount,
    since,
    entries: 0,
    violations: 0,
  };
  return { ...boot, id: await addBoot(db, boot) };
}

async function judged(
  db: Database,
  context: Context,
  host: HostRow,
  { entries, pcrs }: VerifiedEvidence,
): Promise<Judgement[]> {
  if (entries.length === 0) return [];
  const reference = await context.references.of(db, host);
  return judgeEntries(entries, { host: host.name, reference, bootPcrs: pcrs, hasher: nodeHasher });
}

async function keep(db: Database, host: HostRow, { state }: VerifiedEvidence): Promise<void> {
  await saveKeptState(db, {
    host: host.id,
    reset_count: state.resetCount,
    restart_count: state.restartCount,
    clock: String(state.clock),
    entries: state.entries,
    bytes: state.bytes,
    pcr: state.pcr,
    firmware: state.firmwareVersion === undefined ? null : String(state.firmwareVersion),
  });
}

function firmwareSighting(host: HostRow, { firmwareBefore, quote }: VerifiedEvidence, seenAt: string): Sighting[] {
  if (firmwareBefore === undefined) return [];
  return [{ draft: firmwareFinding(host.name, firmwareBefore, quote.firmwareVersion), seenAt }];
}

function sightingsOf(judgements: readonly Judgement[], seenAt: string): Sighting[] {
  return judgements.flatMap(({ finding }) => (finding === undefined ? [] : [{ draft: finding, seenAt }]));
}

/** Findings about refused evidence end with evidence that holds; those of an earlier boot end with that boot. */
async function moveFindings(
  db: Database,
  boot: BootRow,
  sightings: readonly Sighting[],
  evidence: VerifiedEvidence,
): Promise<FindingRow[]> {
  const opened = await openAll(db, { host: boot.host, boot: boot.id }, sightings);
  const current = new Set(opened.map((row) => row.seq));
  const wholeList = evidence.boot !== 'same';
  const closed = await closeAll(db, boot.host, (finding) =>
    wholeList ? !current.has(finding.seq) : finding.boot === null,
  );
  return [...closed, ...opened];
}
