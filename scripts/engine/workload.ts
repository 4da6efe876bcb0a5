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
import { workloadFiles } from './workload-cases.ts';

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

export function compareWorkload({ kernel, asked, files }: GuestAnswer, found: Files): Agreement {
  const all = new Comparisons(`${kernel.series} step by step`, 'the engine');
  const owners = textOf(asked, 'files')
    .trimEnd()
    .split('\n')
    .map((line) => Number(line.split('\t')[1]));
  const readers = new Map(owners.map((_, index) => [String(index), new UnknownReaders()]));
  const did = stepsIn(found);
  let approximated = 0;
  for (const [index, { file, step, outcome, entries }] of stepsIn(files).entries()) {
    const other = did[index] ?? { outcome: 'nothing', entries: [] };
    const isViolation = entries.some(({ violation }) => violation);
    const owner = owners[Number(file)] ?? 0;
    const isExtra = readers.get(file)?.takes({ owner, step, outcome, isViolation }) === true;
    const isListed = isExtra && other.entries[0]?.violation === true;
    approximated += isExtra ? 1 : 0;
    const kernelSays = `${outcome} ${isExtra ? 'violation; ' : ''}${shownEntries(entries)}`;
    const rest = other.entries.slice(isListed ? 1 : 0);
    all.compare(
      `file ${file}, ${step}`,
      kernelSays,
      `${other.outcome} ${isListed ? 'violation; ' : ''}${shownEntries(rest)}`,
    );
  }
  const ends = textOf(found, 'ends').split('\n');
  for (const [index, row] of textOf(files, 'ends').slice(0, -1).split('\n').entries()) {
    all.compare(`records and label of file ${index}`, row, ends[index] ?? 'nothing');
  }
  const { cases, disagreements } = all;
  const otherwise: [string, number][] = approximated === 0 ? [] : [[UNKNOWN_READERS, approximated]];
  return { cases: cases - approximated, disagreements, approximated: new Map(otherwise) };
}

function shownEntries(entries: readonly MeasurementEntry[]): string {
  return entries.map(shownEntry).join('; ');
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
