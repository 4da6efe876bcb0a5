import { FINDING_CODES } from '@assay/core/errors';
import { severityOf, type FindingDraft } from '@assay/core/verdict';
import type { EnrolmentReason } from '@assay/wire';
import type { Context } from '../context.ts';
import { isDispute } from '../hosts/endorsement.ts';
import { closeAll, openAll } from '../hosts/findings.ts';
import { renewVerdict } from '../hosts/verdict.ts';
import type { Change } from '../news/news.ts';
import { pendingReasons } from '../store/admissions.ts';
import { lockRounds } from '../store/rounds.ts';
import type { AdmissionRow, Database } from '../store/schema.ts';
import { enrolmentId } from './on-wire.ts';
import { reasonsIn } from './reasons.ts';

/** Findings of the hosts whose name or endorsement key a machine that waits asks for. */
export async function openDisputes(db: Database, context: Context, row: AdmissionRow): Promise<Change[]> {
  const disputes = reasonsIn(row).filter(isWithHost);
  await lockRounds(db, hostsIn(disputes));
  const changes: Change[] = [];
  for (const reason of disputes) {
    const draft = draftOf(row, reason);
    const scope = { host: reason.host.id, boot: null };
    const opened = await openAll(db, scope, [{ draft, seenAt: context.now().toISOString() }]);
    changes.push(...opened.map(({ seq }) => ({ type: 'finding' as const, seq })));
  }
  return [...changes, ...(await renewed(db, context, hostsIn(disputes)))];
}

/** Ends the findings about enrolments of hosts with which none that waits has a dispute any more. */
export async function closeDisputes(db: Database, context: Context, row: AdmissionRow): Promise<Change[]> {
  // One that gave way, or was removed, is gone.
  const hosts = (await lockRounds(db, hostsIn(reasonsIn(row).filter(isWithHost)))).map(({ host }) => host);
  const open = (await pendingReasons(db)).flatMap((reasons) => reasonsIn({ reasons })).filter(isWithHost);
  const changes: Change[] = [];
  for (const host of hosts) {
    const codes = new Set<string>(open.filter((reason) => reason.host.id === host).map(({ code }) => code));
    const closed = await closeAll(
      db,
      host,
      context.now().toISOString(),
      (finding) => isDispute(finding) && !codes.has(finding.code),
    );
    changes.push(...closed.map(({ seq }) => ({ type: 'finding' as const, seq })));
  }
  return [...changes, ...(await renewed(db, context, hosts))];
}

type Dispute = EnrolmentReason & {
  readonly code: 'HOST-DUPLICATE' | 'EK-DUPLICATE';
  readonly host: NonNullable<EnrolmentReason['host']>;
};

function isWithHost(reason: EnrolmentReason): reason is Dispute {
  return reason.host !== null && reason.code !== 'APPROVAL-REQUIRED';
}

function hostsIn(disputes: readonly Dispute[]): string[] {
  return [...new Set(disputes.map(({ host }) => host.id))];
}

async function renewed(db: Database, context: Context, hosts: readonly string[]): Promise<Change[]> {
  for (const host of hosts) await renewVerdict(db, context, host);
  return hosts.map((host) => ({ type: 'host', host }));
}

/** One for each host and code, whoever asks: machines that ask under many names shall not fill the list of findings. */
function draftOf(row: AdmissionRow, { code, host }: Dispute): FindingDraft {
  const sentence =
    code === 'HOST-DUPLICATE'
      ? `A machine with another endorsement key (${row.host}) asks for the name ${host.name}.`
      : `A machine with the endorsement key of ${host.name} asks for the name ${row.name}.`;
  return {
    code,
    severity: severityOf(code),
    sentence,
    evidence: { entry: null, template: null, digest: null, filenameHint: null },
    explanation: [{ cause: FINDING_CODES[code].meaning, confidence: 'high' }],
    next: [
      'assay enrolments list',
      `assay enrolments approve ${enrolmentId(row.seq)}`,
      `assay enrolments refuse ${enrolmentId(row.seq)}`,
    ],
  };
}
