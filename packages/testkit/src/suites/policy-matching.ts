import { utf8 } from '@assay/core/bytes';
import { evaluate, type ActivePolicy, type Evaluation, type PolicyEvent } from '@assay/core/policy';
import { activePolicy } from './active-policy.ts';
import { ACCESS_KINDS, FILE_SYSTEMS, matchCases, type AccessKind, type MatchCase } from './policy-cases.ts';
import { eventAfterWrite, eventsOf } from './policy-events.ts';
import { textOf, theOnly, type GuestAnswer, type Suite } from './suite.ts';
import { tinyProgram } from './tiny-program.ts';

const BLOCKS = { all: 320, few: 20 } as const;
const TIMEOUT_MS = 20 * 60 * 1000;

/** All audit records come to the log of the kernel, and a failed appraisal is only told. */
const CMDLINE = 'audit=1 audit_backlog_limit=100000 log_buf_len=32M ima_appraise=log';

/** Which rule decides what is done at an access, class by class. */
export const policyMatching: Suite = {
  name: 'policy-matching',
  title: 'accesses: what is measured where, appraised, audited, labelled',
  guests: ({ kernel, seed, few }) => {
    const { policy, cases } = matchCases(kernel, seed, few ? BLOCKS.few : BLOCKS.all);
    const files = new Map([
      ['policy', lines(policy)],
      ['cases', lines(cases.map(caseLine))],
      ['filesystems', lines(FILE_SYSTEMS.map(({ name, type, uuid = '' }) => [name, type, uuid].join('\t')))],
      ['program', tinyProgram()],
    ]);
    return [{ program: 'policy-matching.py', files, cmdline: CMDLINE, timeoutMs: TIMEOUT_MS }];
  },
  judge: (answers) => {
    const answer = theOnly(answers);
    const results = textOf(answer.files, 'results').split('\n');
    const expected = matchingRows(answer, eventsOf);
    const disagreements = expected.flatMap(({ line, row }, index) => {
      const said = results[index] ?? 'nothing';
      return said === row ? [] : [`${line}: the kernel says ${said}, core ${row}`];
    });
    return { cases: expected.length, disagreements };
  },
};

/** A case as the guest was told it, and the row that core expects in the results. */
interface ExpectedRow {
  readonly line: string;
  readonly row: string;
}

/** @param events what is asked of the policy in the course of an access */
export function matchingRows({ kernel, asked }: GuestAnswer, events: typeof eventsOf): ExpectedRow[] {
  const policy = activePolicy(textOf(asked, 'policy'), kernel);
  const cases = textOf(asked, 'cases').trimEnd().split('\n').map(parseCase);
  return cases.map((one) => ({ line: caseLine(one), row: expectedRow(one, policy, events(one, kernel.series)) }));
}

function lines(all: readonly string[]): Uint8Array {
  return utf8(all.map((line) => `${line}\n`).join(''));
}

function caseLine({ index, fs, owner, group, mode, kind, subject }: MatchCase): string {
  return [index, fs, owner, group, mode.toString(8), kind, subject.join(',')].join('\t');
}

function parseCase(line: string): MatchCase {
  const [index = '', fs = '', owner, group, mode = '', kind = '', subject = ''] = line.split('\t');
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = subject.split(',').map(Number);
  return {
    index: Number(index),
    fs,
    owner: Number(owner),
    group: Number(group),
    mode: Number.parseInt(mode, 8),
    kind: kindOf(kind),
    subject: [a, b, c, d, e, f],
  };
}

function kindOf(name: string): AccessKind {
  const kind = ACCESS_KINDS.find((each) => each === name);
  if (kind === undefined) throw new RangeError(`no access ${name}`);
  return kind;
}

/** What an access leaves, as the guest tells it. */
interface Traces {
  /** By PCR: a file is measured once for each. */
  readonly measured: Map<number, string>;
  /** Of failed appraisals, which are never cached. */
  readonly causes: string[];
  needsSignature: boolean;
  isAudited: boolean;
  isLabelled: boolean;
}

function expectedRow(one: MatchCase, policy: ActivePolicy, events: readonly PolicyEvent[]): string {
  const traces: Traces = {
    measured: new Map(),
    causes: [],
    needsSignature: false,
    isAudited: false,
    isLabelled: false,
  };
  for (const event of events) leave(evaluate(policy, event), traces);
  const { measured, causes, isAudited, isLabelled } = traces;
  const label = isLabelled && WRITERS.has(one.kind) && keepsLabel(one, policy) ? 'label' : '-';
  const outcome = one.kind === 'exec' ? 'exit 0' : 'ok';
  return [one.index, outcome, [...measured.values()].join(','), causes.join(','), isAudited ? 1 : 0, label].join('\t');
}

function leave({ actions, demands, pcr = 10, template = 'ima-sig' }: Evaluation, traces: Traces): void {
  if (actions.has('measure') && !traces.measured.has(pcr)) traces.measured.set(pcr, `${pcr}:${template}`);
  // What is demanded of a file stays demanded until it changes (iint->flags).
  traces.needsSignature ||= demands.signature;
  if (actions.has('appraise')) traces.causes.push(traces.needsSignature ? 'IMA-signature-required' : 'missing-hash');
  traces.isAudited ||= actions.has('audit');
  traces.isLabelled ||= actions.has('hash');
}

/** A change of mode takes the label, and the mark to write one, from a file that no rule looks after then. */
function keepsLabel(one: MatchCase, policy: ActivePolicy): boolean {
  const event = eventAfterWrite(one);
  return event === undefined || evaluate(policy, event, ['appraise', 'hash']).actions.size > 0;
}

const WRITERS: ReadonlySet<AccessKind> = new Set(['w', 'rw', 'a', 'ra']);
