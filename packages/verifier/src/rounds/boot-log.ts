import { fromBase64, isAllZero } from '@assay/core/bytes';
import { FormatError, VerificationError } from '@assay/core/errors';
import {
  parseEventLog,
  replayableBanks,
  verifyEventLog,
  type ParsedEventLog,
  type VerifiedEventLog,
} from '@assay/core/eventlog';
import type { VerifiedEvidence } from '@assay/core/evidence';
import { nodeHasher } from '@assay/core/node';
import {
  bootChanges,
  bootFactsOf,
  eventLogFinding,
  type BootFacts,
  type FindingDraft,
  type Severity,
} from '@assay/core/verdict';
import type { EvidenceMessage, MissingLog } from '@assay/wire';
import { z } from 'zod';
import { keptEventLog } from '../hosts/event-log-bytes.ts';
import { joinedPcrs } from '../hosts/kept.ts';
import { factsBefore, saveBootLog } from '../store/boot-logs.ts';
import type { BootRow, Database, FindingRow, HostRow } from '../store/schema.ts';
import type { BootLogRow } from '../store/sent-rows.ts';

const Facts = z.object({ secureBoot: z.enum(['on', 'off', 'unknown']), commandLine: z.string().nullable() });

interface Taking {
  readonly host: HostRow;
  readonly boot: BootRow;
  readonly evidence: VerifiedEvidence;
  readonly receivedAt: string;
}

type Judged = Pick<BootLogRow, 'state' | 'reason' | 'size' | 'log' | 'facts'> & {
  readonly findings: readonly FindingDraft[];
};

/**
 * What a host sent as the boot event log of this boot is compared with the PCRs that were quoted with it, and kept.
 * @returns what is wrong with it, or another than in the boot before
 */
export async function takeBootLog(
  db: Database,
  { host, boot, evidence, receivedAt }: Taking,
  sent: NonNullable<EvidenceMessage['eventLog']>,
): Promise<FindingDraft[]> {
  const text = await factsBefore(db, boot);
  const before = text === null ? null : Facts.parse(JSON.parse(text));
  const judged =
    'missing' in sent
      ? judgedMissing(host, before, sent.missing)
      : judgedLog(host, before, evidence, fromBase64(sent.bytes));
  const { findings, ...columns } = judged;
  await saveBootLog(db, {
    boot: boot.id,
    host: host.id,
    received_at: receivedAt,
    pcrs: joinedPcrs(evidence),
    ...columns,
  });
  return [...findings];
}

const MISSING: Readonly<Record<MissingLog, string>> = {
  none: 'it says that the kernel shows none',
  unreadable: 'it says that it may not be read',
  'too-long': 'it says that it is too long',
};

/** Without a log nothing is wrong, but where there was one: who changes what is started may not hide it so. */
function judgedMissing(host: HostRow, before: BootFacts | null, missing: MissingLog): Judged {
  const columns = { state: 'missing', reason: missing, size: null, log: null, facts: null } as const;
  if (before === null) return { ...columns, findings: [] };
  const reason = `its boot event log does not come any more, as it did in the boot before: ${MISSING[missing]}`;
  return { ...columns, findings: [{ ...eventLogFinding(host.name, reason), severity: WARNING }] };
}

function judgedLog(host: HostRow, before: BootFacts | null, evidence: VerifiedEvidence, bytes: Uint8Array): Judged {
  const columns = { size: bytes.length, log: keptEventLog(bytes) };
  const read = readLog(bytes);
  const log = typeof read === 'string' ? read : provedLog(read, evidence);
  if (typeof log === 'string') {
    const finding = eventLogFinding(host.name, log);
    const findings = [
      typeof read !== 'string' && isSilent(read, evidence) ? { ...finding, severity: WARNING } : finding,
    ];
    return { ...columns, state: 'refused', reason: log, facts: null, findings };
  }
  const facts = bootFactsOf(log);
  const findings = before === null ? [] : bootChanges(host.name, before, facts);
  return { ...columns, state: 'proved', reason: null, facts: JSON.stringify(facts), findings };
}

const WARNING: Severity = 'warning';
/** Firmware extends each up to this one. */
const LAST_FIRMWARE_PCR = 7;

/** Old firmware measures into the SHA-1 bank alone: nothing is proved, and nothing contradicted. */
function isSilent(log: ParsedEventLog, { pcrs }: VerifiedEvidence): boolean {
  const untouched = [...pcrs].some(([pcr, value]) => pcr <= LAST_FIRMWARE_PCR && isAllZero(value));
  return untouched || !replayableBanks(log).includes('sha256');
}

/** @returns why it cannot be read, where it cannot */
function readLog(bytes: Uint8Array): ParsedEventLog | string {
  try {
    return parseEventLog(bytes);
  } catch (error) {
    if (error instanceof FormatError) return `the boot event log cannot be read: ${error.message}`;
    throw error;
  }
}

/** @returns why it proves nothing, where it does not */
function provedLog(log: ParsedEventLog, evidence: VerifiedEvidence): VerifiedEventLog | string {
  try {
    return verifyEventLog(log, evidence.quote, nodeHasher);
  } catch (error) {
    if (error instanceof VerificationError) return error.message;
    throw error;
  }
}

const CODES: ReadonlySet<string> = new Set(['BOOT-EVENTLOG', 'BOOT-SECUREBOOT', 'BOOT-COMMAND-LINE']);

/** Such a finding follows from the log of a boot, not from an entry of the list. */
export function isAboutBootLog({ code, boot }: Pick<FindingRow, 'code' | 'boot'>): boolean {
  return boot !== null && CODES.has(code);
}
