import { nodeHasher } from '@assay/core/node';
import { judgeEntries } from '@assay/core/verdict';
import type { FindingResolution } from '@assay/wire';
import { audit } from '../access/audit.ts';
import type { Principal } from '../access/tokens.ts';
import type { Context } from '../context.ts';
import { about, lockOpenFinding } from '../hosts/acknowledge.ts';
import { isAboutEndorsement, isDispute } from '../hosts/endorsement.ts';
import { renewVerdict } from '../hosts/verdict.ts';
import { transact } from '../news/news.ts';
import { APPROVABLE } from '../policies/approvable.ts';
import { RequestProblem } from '../problem.ts';
import { bootLogOf } from '../store/boot-logs.ts';
import { updateFinding } from '../store/findings.ts';
import { hostById } from '../store/hosts.ts';
import { policyInForceFor } from '../store/policies.ts';
import type { Database, FindingRow } from '../store/schema.ts';
import { isAboutBootLog } from './boot-log.ts';
import { entriesOf } from './measurements.ts';
import { currentList } from './judge-again.ts';

/**
 * Ends a finding that the evidence shows no more and that does not end by itself.
 * @throws RequestProblem REQUEST-NOT-FOUND, FINDING-CLOSED, FINDING-SHOWN
 */
export async function resolveFinding(
  context: Context,
  by: Principal,
  seq: number,
  { reason }: FindingResolution,
): Promise<FindingRow> {
  return transact(context, async (db) => {
    const finding = await lockOpenFinding(db, seq);
    const shown = await stillShown(db, context, finding);
    if (shown !== undefined) throw new RequestProblem('FINDING-SHOWN', shown);
    const end = { resolved_at: context.now().toISOString(), resolved_by: by.name, resolved_why: reason };
    const closed = { ...finding, open: 0 as const, ...end };
    await updateFinding(db, closed);
    const detail = { ...about(finding), reason };
    await audit(db, context, { actor: by.name, action: 'finding.resolve', subject: `F-${seq}`, detail });
    await renewVerdict(db, context, finding.host);
    return {
      result: closed,
      changes: [
        { type: 'host', host: finding.host },
        { type: 'finding', seq },
      ],
    };
  });
}

/** Where the evidence still shows it, and what would end it; undefined where it does not. */
async function stillShown(db: Database, context: Context, finding: FindingRow): Promise<string | undefined> {
  if (isAboutEndorsement(finding)) {
    return 'The endorsement certificate does not verify. This ends when the verifier knows the authority that made it (--ek-roots DIR).';
  }
  if (isDispute(finding)) {
    return 'An enrolment waits for a decision. This ends with it: assay enrolments list.';
  }
  if (finding.code === 'POLICY-EXPIRED') {
    return 'This ends when a newer version of the policy is in force (assay reference activate).';
  }
  if (finding.boot === null) {
    return 'No evidence has verified since. This ends by itself with the next evidence that does.';
  }
  const host = await hostById(db, finding.host);
  if (host?.boot !== finding.boot) return undefined;
  if (isAboutBootLog(finding)) return logThatShows(db, finding.boot, finding);
  const entry = await entryThatShows(db, context, finding);
  if (entry === undefined) return undefined;
  return `Entry ${entry} of the present boot shows it. ${await endOf(db, finding)}`;
}

/** A warning is over when somebody says that it may be so; a log that leads elsewhere does so until the next. */
async function logThatShows(db: Database, boot: number, { severity }: FindingRow): Promise<string | undefined> {
  const log = await bootLogOf(db, boot);
  if (severity === 'warning' || log?.state !== 'refused') return undefined;
  return 'The boot event log of the present boot shows it. This ends with a boot whose log leads to the quoted PCRs.';
}

async function entryThatShows(db: Database, context: Context, finding: FindingRow): Promise<number | undefined> {
  const { host, kept, rows } = await currentList(db, finding.host);
  const reference = await context.references.of(db, host);
  const judging = { host: host.name, reference, bootPcrs: kept.pcrs, hasher: nodeHasher, at: context.now() };
  return judgeEntries(entriesOf(rows), judging).find(
    ({ finding: draft }) =>
      draft?.code === finding.code &&
      draft.evidence.digest === finding.digest &&
      draft.evidence.filenameHint === finding.filename_hint,
  )?.number;
}

async function endOf(db: Database, { seq, code, host }: FindingRow): Promise<string> {
  const reboot = 'with a boot of the host in which it does not happen';
  if (!APPROVABLE.has(code)) return `This ends ${reboot}.`;
  const policy = await policyInForceFor(db, host);
  if (policy === undefined) return `This ends when the digest is captured (assay reference capture), or ${reboot}.`;
  return `This ends when a version of ${policy.name} is in force that has the digest (assay findings approve F-${seq}), or ${reboot}.`;
}
