import { equalBytes, utf8 } from '@assay/core/bytes';
import {
  decideAccess,
  imaSignatureVerdict,
  kernelLabel,
  labelAlgorithm,
  NOTHING_REMEMBERED,
  type AppraisalMemory,
  type AppraiseMode,
  type AppraisingKernel,
  type Collected,
} from '@assay/core/appraisal';
import type { LabelKey } from '@assay/core/label';
import { nodeCrypto, nodeHasher } from '@assay/core/node';
import {
  ACCESS,
  evaluate,
  plainSubject,
  type ActivePolicy,
  type EventFunction,
  type PolicyEvent,
} from '@assay/core/policy';
import { activePolicy } from './active-policy.ts';
import type { KernelSeries } from '../lab/index.ts';
import {
  APPRAISED_CONTENT,
  appraisalCases,
  appraisalPolicy,
  caseLine,
  makeLabels,
  parseCase,
  verityDigest,
  type AppraisedAccessKind,
  type AppraisedCase,
} from './appraisal-cases.ts';
import { certifiedKey } from './label-key.ts';
import { profileOf, textOf, type Agreement, type Guest, type GuestAnswer, type Suite } from './suite.ts';

const MODES: readonly AppraiseMode[] = ['enforce', 'log', 'fix'];
const TIMEOUT_MS = 15 * 60 * 1000;

/** Whether kernels allow and deny as core decides, with the same audit records and the same labels afterwards. */
export const appraisal: Suite = {
  name: 'appraisal',
  title: 'appraisal: accesses allowed or denied, audit records, labels written',
  guests: ({ kernel, seed, few }) => {
    const { labels, certificates } = makeLabels(kernel);
    const lines = appraisalCases(kernel, labels, { seed, few }).map(caseLine);
    const modes = few ? MODES.slice(0, 1) : MODES;
    return modes.map((mode) => guestOf(mode, { kernel, lines, certificates }));
  },
  judge: (answers) => {
    const all = answers.map(judgeBoot);
    return {
      cases: all.reduce((sum, { cases }) => sum + cases, 0),
      disagreements: all.flatMap(({ disagreements }) => disagreements),
    };
  },
};

interface Asked {
  readonly kernel: KernelSeries;
  readonly lines: readonly string[];
  readonly certificates: ReadonlyMap<string, Uint8Array>;
}

function guestOf(mode: AppraiseMode, { kernel, lines, certificates }: Asked): Guest {
  const text = (all: readonly string[]): Uint8Array => utf8(all.map((line) => `${line}\n`).join(''));
  const files: [string, Uint8Array][] = [
    ['mode', text([mode])],
    ['policy', text(appraisalPolicy(kernel))],
    ['files', text(lines)],
    ['program', APPRAISED_CONTENT],
  ];
  const cmdline = `ima_appraise=${mode} audit=1 audit_backlog_limit=100000 log_buf_len=16M`;
  return { program: 'appraisal.py', files: new Map([...files, ...certificates]), cmdline, timeoutMs: TIMEOUT_MS };
}

/** What decides besides the file. */
interface Setting extends Decides {
  readonly series: KernelSeries;
  readonly kernel: AppraisingKernel;
  readonly policy: ActivePolicy;
  readonly keys: readonly LabelKey[];
}

function judgeBoot(answer: GuestAnswer): Agreement {
  const { kernel, asked, files } = answer;
  const mode = textOf(asked, 'mode').trim();
  const rows = textOf(files, 'answers').split('\n');
  const expected = appraisalRows(answer, { events: appraisalEvents, isStrict: false });
  const disagreements = expected.flatMap(({ one, row: core, first }, index) => {
    const row = rows[index] ?? '';
    const what = `${kernel.series} ${mode} fowner=${one.owner} ${first.slice(0, 12)} ${one.verity ? 'verity ' : ''}`;
    return row === core ? [] : [`${what}${one.accesses.join(',')}: the kernel says ${short(row)}, core ${short(core)}`];
  });
  return { cases: expected.reduce((sum, { one }) => sum + one.accesses.length, 0), disagreements };
}

/** Who decides, as far as there is a choice. */
interface Decides {
  /** What is asked of the policy in the course of an access. */
  readonly events: typeof appraisalEvents;
  /** A label by an algorithm that is not allowed is refused at each access, not at the first alone. */
  readonly isStrict: boolean;
}

interface AppraisedRow {
  readonly one: AppraisedCase;
  /** Its label before the first access, in hexadecimal. */
  readonly first: string;
  /** What core expects in the answers of the guest. */
  readonly row: string;
}

export function appraisalRows({ kernel, asked, files }: GuestAnswer, decides: Decides): AppraisedRow[] {
  const profile = profileOf(kernel);
  const [mode = 'enforce'] = MODES.filter((each) => each === textOf(asked, 'mode').trim());
  const setting = {
    series: kernel.series,
    kernel: { version: profile.version, mode, imaHash: 'sha256' } as const,
    policy: activePolicy(textOf(asked, 'policy'), kernel),
    keys: [...asked].filter(([name]) => name.endsWith('.der')).map(([, der]) => certifiedKey(der)),
  };
  const cases = textOf(asked, 'files').trimEnd().split('\n').map(parseCase);
  const rows = textOf(files, 'answers').split('\n');
  return cases.map((one, index) => {
    const first = rows[index]?.split('\t')[1] ?? '';
    return { one, first, row: expectedRow(one, first, { ...setting, ...decides }) };
  });
}

function short(row: string): string {
  const [, , answers, records, last = ''] = row.split('\t');
  return `${answers} ${records} ${last.slice(0, 12)}`;
}

/** The kernel's side of a file as its accesses go on. */
interface State {
  label: Uint8Array | null;
  memory: AppraisalMemory;
  /** Fix mode has changed the label, which counts as a change of the file, since the content was digested. */
  isMended: boolean;
  readonly records: string[];
}

/** @param first label before the first access, in hexadecimal */
function expectedRow(one: AppraisedCase, first: string, setting: Setting): string {
  const state: State = {
    label: first === '' ? null : Buffer.from(first, 'hex'),
    memory: NOTHING_REMEMBERED,
    isMended: false,
    records: [],
  };
  const answers = one.accesses.map((kind) => accessed(kind, one, state, setting));
  const last = state.label === null ? '' : Buffer.from(state.label).toString('hex');
  return [one.index, first, answers.join(','), state.records.join(','), last].join('\t');
}

function accessed(kind: AppraisedAccessKind, one: AppraisedCase, state: State, setting: Setting): string {
  // fs-verity refuses to open a file for writing before IMA is asked.
  if (kind === 'write' && one.verity) return 'E1';
  for (const event of setting.events(kind, one.owner, setting.series)) {
    if (!isAllowed(event, one, state, setting)) return 'denied';
  }
  if (kind === 'write') closed(one, state, setting);
  return 'ok';
}

/** A file that counts as changed gets a new label when its last writer closes it (ima_check_last_writer). */
function closed(one: AppraisedCase, state: State, { kernel, policy }: Setting): void {
  const rules = evaluate(policy, fileCheck(one.owner, ACCESS.MAY_WRITE | ACCESS.MAY_APPEND));
  if (!state.isMended || state.memory.isSigned || !rules.actions.has('appraise')) return;
  const value = nodeHasher.digest(kernel.imaHash, APPRAISED_CONTENT);
  state.label = kernelLabel({ algorithm: kernel.imaHash, value });
  state.memory = { ...NOTHING_REMEMBERED, demands: state.memory.demands };
}

function isAllowed(event: PolicyEvent, one: AppraisedCase, state: State, setting: Setting): boolean {
  const { kernel, policy, keys, isStrict } = setting;
  const rules = evaluate(policy, event);
  const algorithm = labelAlgorithm(state.label, kernel.imaHash, kernel);
  const plain: Collected = { algorithm, value: nodeHasher.digest(algorithm, APPRAISED_CONTENT) };
  const ofVerity: Collected = one.verity ? { algorithm: 'sha256', value: verityDigest() } : 'no-verity-digest';
  const file = {
    label: state.label,
    evm: 'unknown',
    empty: false,
    signature: (raw: Uint8Array, digest: Exclude<Collected, string>) =>
      imaSignatureVerdict(raw, digest, keys, nodeCrypto),
    collected: rules.demands.verity ? ofVerity : plain,
  } as const;
  const writes = (event.mask & ACCESS.MAY_WRITE) !== 0;
  const decision = decideAccess(rules, { writes }, file, kernel, state.memory);
  const isForgotten = isStrict && decision.cause === 'denied-hash-algorithm';
  state.memory = isForgotten ? { ...decision.memory, passed: state.memory.passed } : decision.memory;
  state.records.push(...decision.records.map(({ op, cause, success }) => `${op}:${cause}:${success ? 1 : 0}`));
  for (const { value } of decision.writes.filter(({ name }) => name === 'security.ima')) {
    state.isMended ||= state.label === null || value === null || !equalBytes(state.label, value);
    state.label = value;
  }
  return decision.allowed;
}

export function appraisalEvents(kind: AppraisedAccessKind, owner: number, series: KernelSeries): PolicyEvent[] {
  const executing = (func: EventFunction): PolicyEvent => ({ ...fileCheck(owner, ACCESS.MAY_EXEC), func });
  const mapped = (series === '6.1' ? OLD_MAPPINGS : MAPPINGS).map(executing);
  switch (kind) {
    case 'read':
      return [fileCheck(owner, ACCESS.MAY_READ)];
    case 'write':
      return [fileCheck(owner, ACCESS.MAY_WRITE | ACCESS.MAY_APPEND)];
    case 'map':
      return [fileCheck(owner, ACCESS.MAY_READ), ...mapped];
    case 'exec':
      return [...(['FILE_CHECK', 'BPRM_CHECK', 'CREDS_CHECK'] as const).map(executing), ...mapped];
    default:
      return kind satisfies never;
  }
}

const OLD_MAPPINGS: readonly EventFunction[] = ['MMAP_CHECK'];
const MAPPINGS: readonly EventFunction[] = ['MMAP_CHECK_REQPROT', 'MMAP_CHECK'];

/** What an open asks, of a file of the guest's root file system, by root. */
function fileCheck(owner: number, mask: number): PolicyEvent {
  const file = { magic: 0xef53n, type: 'ext4', subtype: '', owner, group: 0 };
  return { func: 'FILE_CHECK', mask, subject: plainSubject(0, 0), file };
}
