import { equalBytes, printable } from '../bytes/index.ts';
import type { Hasher } from '../hash/index.ts';
import {
  bootAggregate,
  digestText,
  entryKind,
  filenameHint,
  type EntryKind,
  type MeasurementEntry,
} from '../measurement/index.ts';
import { ACCEPTED, decide, type Decision, type DecisionStatus, type ReferenceValues } from '../reference/index.ts';
import { explainBootAggregate } from './boot-causes.ts';
import { explainChanged, explainUnknown, nextFor } from './explain.ts';
import { severityOf, type FindingDraft, type Severity } from './findings.ts';
import { isInstalledProgram } from './path-causes.ts';

export type EntryStatus =
  | 'known'
  | 'signed'
  | 'excluded'
  | 'denied'
  | 'unknown'
  | 'changed'
  | 'unjudged'
  | 'boot-aggregate'
  | 'engine-record'
  | 'violation';

export interface JudgeContext {
  /** Name of the host, for sentences and commands. */
  readonly host: string;
  readonly reference: ReferenceValues | null;
  /** Quoted values of the SHA-256 bank, PCR 0 to 9 among them. */
  readonly bootPcrs: ReadonlyMap<number, Uint8Array>;
  readonly hasher: Hasher;
  /** Time of the verifier; without it nothing is good that ends. */
  readonly at?: Date;
}

export interface Judgement {
  /** Place of the entry in the list, from 1. */
  readonly number: number;
  readonly status: EntryStatus;
  readonly finding?: FindingDraft;
}

const LOOK_AT_BOOT = 'assay eventlog verify /sys/kernel/security/tpm0/binary_bios_measurements';
/** Engine lists begin with boot_aggregate and then the engine's start record; a later start follows a gap. */
const FIRST_START_ENTRY = 2;

/** Judges entries that were verified, each for itself. */
export function judgeEntries(entries: Iterable<MeasurementEntry>, context: JudgeContext): Judgement[] {
  return Array.from(entries, (entry) => judgeEntry(entry, context));
}

function judgeEntry(entry: MeasurementEntry, context: JudgeContext): Judgement {
  const kind = provedKind(entry, context.hasher);
  const judgement = JUDGES[kind](entry, context);
  if (entry.number > 1 || kind === 'boot-aggregate') return judgement;
  const sentence = 'The list does not begin with boot_aggregate, so nothing ties it to this boot.';
  return { ...judgement, finding: draft(entry, 'BOOT-AGGREGATE', { sentence, explanation: [], next: [] }) };
}

/**
 * A template digest does not cover the template's name: who sends the list can show an `ima-sig` entry of a file as
 * `ima-buf`. That an entry is of a buffer shows in its digest alone, so a record of the engine has the buffer's.
 */
function provedKind(entry: MeasurementEntry, hasher: Hasher): EntryKind {
  const kind = entryKind(entry);
  if (!kind.startsWith('engine-')) return kind;
  const { digest, buffer } = entry.fields;
  if (buffer === undefined || digest?.algorithm !== 'sha256') return 'buffer';
  return equalBytes(digest.value, hasher.digest('sha256', buffer)) ? kind : 'buffer';
}

const JUDGES: Readonly<Record<EntryKind, (entry: MeasurementEntry, context: JudgeContext) => Judgement>> = {
  violation: (entry) => ({
    number: entry.number,
    status: 'violation',
    finding: draft(entry, 'IMA-VIOLATION-TOMTOU', {
      sentence: `${filenameHint(entry.fields)} was open for writing while it was measured, so its content is not proved.`,
      explanation: [{ cause: 'A program wrote to the file while another had it open.', confidence: 'high' }],
      next: [],
    }),
  }),
  'boot-aggregate': judgeBootAggregate,
  'engine-start': (entry) =>
    entry.number === FIRST_START_ENTRY ? engineRecord(entry) : gap(entry, 'The engine was started again after a gap.'),
  'engine-stop': engineRecord,
  'engine-mode': engineRecord,
  'engine-rotation': engineRecord,
  'engine-gap': (entry) => gap(entry, `The engine missed something (${gapReason(entry)}).`),
  buffer: judgeDigest,
  file: judgeDigest,
};

function engineRecord(entry: MeasurementEntry): Judgement {
  return { number: entry.number, status: 'engine-record' };
}

function gap(entry: MeasurementEntry, what: string): Judgement {
  const finding = draft(entry, 'ENGINE-GAP', {
    sentence: `${what} What ran meanwhile is not in the list.`,
    explanation: [
      { cause: 'The engine was stopped, was killed, or more ran than it could follow.', confidence: 'high' },
    ],
    next: ['assay doctor'],
  });
  return { number: entry.number, status: 'engine-record', finding };
}

/** The engine's records are `key=value;` text (docs/engine.md). */
function gapReason({ fields }: MeasurementEntry): string {
  const text = printable(fields.buffer ?? new Uint8Array());
  return /(?:^|;)reason=([a-z-]{1,32});/.exec(text)?.[1] ?? 'no reason given';
}

function judgeBootAggregate(entry: MeasurementEntry, context: JudgeContext): Judgement {
  const { digest } = entry.fields;
  const covered = digest?.algorithm === 'sha256';
  if (covered && equalBytes(digest.value, bootAggregate(context.hasher, 'sha256', context.bootPcrs))) {
    return { number: entry.number, status: 'boot-aggregate' };
  }
  const sentence = covered
    ? 'boot_aggregate in the list is not the digest of the quoted PCR 0 to 9: the list belongs to another boot.'
    : `boot_aggregate is of the ${digest?.algorithm ?? 'unknown'} bank, which the quote does not cover.`;
  const explanation = explainBootAggregate(entry, covered);
  const finding = draft(entry, 'BOOT-AGGREGATE', { sentence, explanation, next: [LOOK_AT_BOOT] });
  return { number: entry.number, status: 'boot-aggregate', finding };
}

function judgeDigest(entry: MeasurementEntry, context: JudgeContext): Judgement {
  const { number } = entry;
  if (context.reference === null) return { number, status: 'unjudged' };
  const decision = decide(context.reference, entry, context.hasher, context.at);
  switch (decision.status) {
    case 'known':
    case 'signed':
    case 'excluded':
      return { number, status: decision.status };
    case 'denied':
      return { number, status: 'denied', finding: deniedFinding(entry, context, decision.reason) };
    case 'keyring':
    case 'kernel-policy':
      return { number, status: 'changed', finding: loadedFinding(entry, context, decision.status) };
    case 'changed':
      return { number, status: 'changed', finding: changedFinding(entry, context, decision) };
    case 'unknown':
      return { number, status: 'unknown', finding: unknownFinding(entry, context, decision) };
  }
}

function deniedFinding(entry: MeasurementEntry, { host }: JudgeContext, reason: string): FindingDraft {
  const path = filenameHint(entry.fields);
  return draft(entry, 'IMA-DENIED-DIGEST', {
    sentence: `${path} was measured with a digest that the reference values deny: ${reason}.`,
    explanation: [{ cause: `The digest is on the list of denied ones: ${reason}.`, confidence: 'high' }],
    next: nextFor(host, path),
  });
}

function loadedFinding(
  entry: MeasurementEntry,
  { host }: JudgeContext,
  what: 'keyring' | 'kernel-policy',
): FindingDraft {
  const name = filenameHint(entry.fields);
  const [code, sentence, cause] =
    what === 'keyring'
      ? ([
          'IMA-KEYRING-CHANGED',
          `A key was loaded into ${name} that the reference values do not allow there.`,
          'A certificate was added to the keyring.',
        ] as const)
      : ([
          'IMA-POLICY-CHANGED',
          `An IMA policy was read from ${name} that the reference values do not have.`,
          'The policy file was edited, or came with an update.',
        ] as const);
  const explanation = [{ cause, confidence: 'medium' as const }];
  return draft(entry, code, { sentence, explanation, next: nextFor(host, name) });
}

function changedFinding(
  entry: MeasurementEntry,
  { host }: JudgeContext,
  decision: Extract<Decision, { status: 'changed' }>,
): FindingDraft {
  const path = filenameHint(entry.fields);
  const sentence = `${path} was measured with another digest than the reference values have for it.`;
  return draft(entry, 'IMA-DIGEST-CHANGED', {
    sentence,
    explanation: explainChanged(path, decision),
    next: nextFor(host, path),
  });
}

function unknownFinding(
  entry: MeasurementEntry,
  { host, reference }: JudgeContext,
  decision: Extract<Decision, { status: 'unknown' }>,
): FindingDraft {
  const path = filenameHint(entry.fields);
  const sentence = `${path} was measured with a digest that the reference values do not contain.`;
  const explanation = explainUnknown(path, decision, reference);
  const finding = draft(entry, 'IMA-UNKNOWN-DIGEST', { sentence, explanation, next: nextFor(host, path) });
  return { ...finding, severity: severityOfDecision('unknown', path) ?? finding.severity };
}

/** How grave a decision is; null where the entry is no finding. A program that is installed and new is a warning. */
export function severityOfDecision(status: DecisionStatus, path: string): Severity | null {
  if (ACCEPTED.has(status)) return null;
  return status === 'unknown' && isInstalledProgram(path) ? 'warning' : 'failed';
}

function draft(
  entry: MeasurementEntry,
  code: FindingDraft['code'],
  text: Pick<FindingDraft, 'sentence' | 'explanation' | 'next'>,
): FindingDraft {
  const evidence = {
    entry: entry.number,
    template: entry.template,
    digest: digestText(entry.fields.digest) || null,
    filenameHint: filenameHint(entry.fields),
  };
  return { code, severity: severityOf(code), evidence, ...text };
}
