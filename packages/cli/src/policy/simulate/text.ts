import { ASSUMPTIONS, type RefusedFile } from '@assay/core/preflight';
import { colours, shown, table } from '../../output/terminal.ts';
import { pathText, sorted, type Simulation } from './document.ts';

/** Rows of the tables of directories and files. */
const ROWS = 20;

/** The answer for people. @param limit refused files that are named */
export function* simulationText(simulation: Simulation, limit: number): Generator<string> {
  const { file, root, kernel, found } = simulation;
  const { total } = found.tally;
  yield `${shown(file)} on Linux ${kernel.version} (${shown(kernel.config)}): ${number(total.files)} files below ${pathText(root)}\n`;
  yield* assumedText(simulation);
  yield* costText(simulation);
  yield* refusedText(simulation, limit);
  for (const { path, reason } of found.problems.slice(0, ROWS)) yield `left out: ${pathText(path)}: ${shown(reason)}\n`;
  if (found.problems.length > ROWS) yield `left out: ${number(found.problems.length - ROWS)} more\n`;
}

function* assumedText({ options, found }: Simulation): Generator<string> {
  const { byAssumption } = found.tally;
  yield `\nWhat is taken to happen, by users ${options.users.join(', ')}:\n`;
  const rows = options.assumptions.map((name) => {
    const { measured = 0, appraised = 0, refused = 0, bytes = 0 } = byAssumption.get(name) ?? {};
    return [`  ${name}`, number(measured), number(appraised), number(refused), size(bytes), ASSUMPTIONS[name]];
  });
  yield table([['', 'measured', 'appraised', 'refused', 'to hash', ''], ...rows]);
}

function* costText({ options, verify, found }: Simulation): Generator<string> {
  const { total, entries, listBytes, kernelBytes, audited, hashed, uncertain, labels } = found.tally;
  yield `\nmeasured   ${number(total.measured)} files: ${number(entries)} entries, ${size(listBytes)} of list (template ${shown(options.template)})\n`;
  yield `to hash    ${size(total.bytes)} at the first accesses, ${size(kernelBytes)} of kernel memory\n`;
  const kinds = Array.from(labels, ([label, count]) => `${number(count)} ${label}`);
  yield `appraised  ${number(total.appraised)} files${kinds.length === 0 ? '' : `; labels: ${kinds.join(', ')}`}\n`;
  if (total.appraised > 0 && !verify)
    yield '           labels are taken to fit the content; --verify compares digests\n';
  if (audited > 0) yield `audited    ${number(audited)} files\n`;
  if (hashed > 0) yield `labelled   ${number(hashed)} files, when they are written\n`;
  if (uncertain > 0)
    yield `uncertain  ${number(uncertain)} files: a rule depends on what a tree does not tell, such as labels of a security module\n`;
}

function* refusedText({ found }: Simulation, limit: number): Generator<string> {
  const colour = colours(1);
  const { total, causes, byDirectory, refused } = found.tally;
  if (total.refused === 0) {
    yield `${colour.green('refused    none: ima_appraise=enforce would refuse no file')}\n`;
    return;
  }
  yield `${colour.red(`refused    ${number(total.refused)} files: ima_appraise=enforce would refuse them`)}\n`;
  for (const [cause, count] of causes)
    yield `           ${number(count)} ${cause}: ${CAUSES[cause] ?? 'see the manual'}\n`;
  const rows = sorted(byDirectory, 'refused').filter(([, counts]) => counts.refused > 0);
  yield '\n';
  yield table([
    ['refused', 'of', 'directory'],
    ...rows.slice(0, ROWS).map(([path, counts]) => [number(counts.refused), number(counts.files), pathText(path)]),
  ]);
  yield '\n';
  for (const one of refused.slice(0, limit)) yield fileText(one);
  if (refused.length > limit) yield `${number(refused.length - limit)} more: --limit, or -o jsonl for all\n`;
}

/** Causes of the kernel's audit records, in words. */
const CAUSES: Readonly<Record<string, string>> = {
  'missing-hash': 'no label',
  'invalid-hash': 'the content is not that of the label',
  'IMA-signature-required': 'a signature is demanded, and there is none',
  'verity-signature-required': 'a signature of the fs-verity digest is demanded, and there is none',
  'IMA-sigv3-required': 'a signature of version 3 is demanded, and it is another',
  'invalid-signature-version': 'the kernel does not know this version of signatures',
  'unknown-ima-data': 'the label is of no type that the kernel knows',
  'no-xattr-support': 'the file system keeps no labels',
  unknown: 'the label cannot be read, or its signature is of an unknown kind',
};

function fileText({ path, label, refusals: [first] }: RefusedFile): string {
  if (first === undefined) return `${pathText(path)}\n`;
  const { assumption, func, uid, line, cause } = first;
  return `${pathText(path)}\n  ${cause} (label: ${label}), line ${line}: ${func} by uid ${uid} (${assumption})\n`;
}

function number(value: number): string {
  return value.toLocaleString('en');
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];

function size(bytes: number): string {
  const power = bytes < 1000 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log10(bytes) / 3));
  return `${(bytes / 1000 ** power).toFixed(power === 0 ? 0 : 1)} ${UNITS[power]}`;
}
