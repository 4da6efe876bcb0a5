import { toHex } from '@assay/core/bytes';
import { parseBinaryList, type MeasurementEntry } from '@assay/core/measurement';
import {
  Comparisons,
  fileOf,
  textOf,
  together,
  type Agreement,
  type Files,
  type GuestAnswer,
  type GuestSuite,
} from '@assay/testkit/suites';
import { askEngine } from './ask.ts';
import { UnknownReaders } from './unknown-readers.ts';
import { isStrict, workloadFiles } from './workload-cases.ts';

const FILES = 200;
/** Of which the answers are kept. */
const FEW_FILES = 40;
const PROGRAM = 'workload.py';
const TIMEOUT_MS = 15 * 60 * 1000;

/** Files that are read, executed, changed, replaced and labelled, step by step: by a kernel and beside the engine. */
export const engineWorkload: GuestSuite = {
  name: 'engine-workload',
  title: 'the engine, on ext4: files step by step, read, executed, written and created anew',
  guests: (cases) => {
    const files = workloadFiles(cases, cases.few ? FEW_FILES : FILES);
    const cmdline = 'ima_appraise=enforce audit=1 audit_backlog_limit=100000 log_buf_len=16M';
    return [{ program: PROGRAM, files, cmdline, timeoutMs: TIMEOUT_MS }];
  },
  judge: async (answers) => {
    const all: Agreement[] = [];
    for (const answer of answers) all.push(compareWorkload(answer, await askWorkload(answer)));
    return together(all);
  },
};

export function askWorkload({ kernel, asked }: GuestAnswer): Promise<Files> {
  const boot = { mode: 'enforce', hash: 'sha256', template: 'ima-sig' } as const;
  return askEngine({ kernel, boot, program: PROGRAM, files: asked });
}

/** What one step came to. */
interface Step {
  readonly file: string;
  readonly step: string;
  readonly outcome: string;
  readonly entries: readonly MeasurementEntry[];
}

const UNKNOWN_READERS = 'written after it was measured, whether somebody reads it or not';
const OTHER_NAME = 'listed by each of its names after it got another one';
const STRICT = 'an algorithm that is refused each time';

export function compareWorkload({ kernel, asked, files }: GuestAnswer, found: Files): Agreement {
  const all = new Comparisons(`${kernel.series} step by step`, 'the engine');
  const otherwise = new Map<string, number>();
  const counts = (reason: string): unknown => otherwise.set(reason, (otherwise.get(reason) ?? 0) + 1);
  const taken = textOf(asked, 'files').trimEnd().split('\n').map(takenFile);
  const did = stepsIn(found);
  for (const [index, said] of stepsIn(files).entries()) {
    const file = taken[Number(said.file)] ?? takenFile('');
    const other = did[index] ?? { ...said, outcome: 'nothing', entries: [] };
    const { reason, kernelSays, engineSays } = file.compare(said, other);
    if (reason !== undefined) counts(reason);
    all.compare(`file ${said.file}, ${said.step}`, kernelSays, engineSays);
  }
  const ends = textOf(found, 'ends').split('\n');
  for (const [index, row] of textOf(files, 'ends').slice(0, -1).split('\n').entries()) {
    const strict = taken[index]?.strictEnd(index);
    if (strict !== undefined) counts(STRICT);
    all.compare(`records and label of file ${index}`, strict ?? row, ends[index] ?? 'nothing');
  }
  const approximated = [...otherwise.values()].reduce((sum, count) => sum + count, 0);
  return { cases: all.cases - approximated, disagreements: all.disagreements, approximated: otherwise };
}

function takenFile(line: string): TakenFile {
  const [, owner = '', , label = '', steps = ''] = line.split('\t');
  return new TakenFile(Number(owner), label, steps.split(','));
}

interface Compared {
  /** Why the engine is documented to do something else; undefined: it has to do the same. */
  readonly reason?: string;
  readonly kernelSays: string;
  readonly engineSays: string;
}

/** A file on its way through its steps, beside a kernel and the engine. */
class TakenFile {
  readonly #owner: number;
  readonly #label: string;
  readonly #steps: readonly string[];
  readonly #readers = new UnknownReaders();
  /** What the engine has listed of it, whatever its name was. */
  readonly #listed = new Set<string>();
  /** Entries of the engine alone: the kernel may list them later. */
  readonly #early = new Set<string>();

  constructor(owner: number, label: string, steps: readonly string[]) {
    this.#owner = owner;
    this.#label = label;
    this.#steps = steps;
  }

  compare({ step, outcome, entries }: Step, other: Step): Compared {
    if (isStrict(this.#owner, this.#label))
      return { reason: STRICT, kernelSays: 'denied', engineSays: shownStep(other) };
    const isViolation = entries.some(({ violation }) => violation);
    const isExtra = this.#readers.takes({ owner: this.#owner, step, outcome, isViolation });
    const isListed = isExtra && other.entries[0]?.violation === true;
    const own = other.entries.slice(isListed ? 1 : 0);
    const late = entries.filter((entry) => !this.#early.has(shownEntry(entry)));
    const known = own.filter((entry) => this.#takeNote(entry));
    const early = late.length < own.length ? known : [];
    for (const entry of early) this.#early.add(shownEntry(entry));
    const isNamed = early.length > 0 || late.length < entries.length;
    const reason = isExtra ? UNKNOWN_READERS : isNamed ? OTHER_NAME : undefined;
    const rest = own.filter((entry) => !early.includes(entry));
    return {
      ...(reason === undefined ? {} : { reason }),
      kernelSays: `${isExtra ? 'violation; ' : ''}${shownStep({ outcome, entries: late })}`,
      engineSays: `${isListed ? 'violation; ' : ''}${shownStep({ outcome: other.outcome, entries: rest })}`,
    };
  }

  /** @returns whether the same content with the same label was listed before */
  #takeNote(entry: MeasurementEntry): boolean {
    const isKnown = !entry.violation && this.#listed.has(unnamed(entry));
    this.#listed.add(unnamed(entry));
    return isKnown;
  }

  /** Of a file whose algorithm is refused: each step was, and nothing changed. */
  strictEnd(index: number): string | undefined {
    if (!isStrict(this.#owner, this.#label)) return undefined;
    return [index, this.#steps.map(() => 'collect_data:denied-hash-algorithm:0').join(), this.#label].join('\t');
  }
}

function shownStep({ outcome, entries }: Pick<Step, 'outcome' | 'entries'>): string {
  return [outcome, ...entries.map(shownEntry)].join('; ');
}

/** Of an entry all that the templates of the workload hold, but for the name. */
function unnamed({ pcr, template, fields }: MeasurementEntry): string {
  const { digest, signature = new Uint8Array() } = fields;
  const value = digest === undefined ? '' : `${digest.algorithm}:${toHex(digest.value)}`;
  return [pcr, template, value, toHex(signature)].join(' ');
}

function stepsIn(files: Files): Step[] {
  const name = files.has('binary_runtime_measurements_sha256')
    ? 'binary_runtime_measurements_sha256'
    : 'binary_runtime_measurements';
  const { entries } = parseBinaryList(fileOf(files, name), { bank: name.endsWith('sha256') ? 'sha256' : 'sha1' });
  const [first = '', ...rows] = textOf(files, 'steps').trimEnd().split('\n');
  let from = Number(first);
  return rows.map((row) => {
    const [index = '', step = '', outcome = '', count] = row.split('\t');
    const own = entries.slice(from, Number(count));
    from = Number(count);
    return { file: index, step, outcome, entries: own };
  });
}

/** Without its digest, which differs by bank: it is a function of the rest. */
function shownEntry({ pcr, template, templateData, violation }: MeasurementEntry): string {
  return `${pcr} ${template} ${toHex(templateData)}${violation ? ' violation' : ''}`;
}
