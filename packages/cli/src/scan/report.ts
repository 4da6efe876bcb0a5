import {
  encodeObject,
  SEVERITIES,
  textOfPath,
  type BaselineObject,
  type Drift,
  type Severity,
} from '@assay/core/baseline';
import { EXIT } from '../exit.ts';
import { jsonText, printJson } from '../output/report.ts';
import { printPieces } from '../output/stream.ts';
import { colours, shown, tableLines } from '../output/terminal.ts';
import type { OpenedBaseline } from './baseline-file.ts';
import { directoryOf, type JudgedDrift } from './drift.ts';
import { exitCodeOfUnread } from './unread.ts';

interface Report {
  readonly schema: string;
  readonly baselines: readonly OpenedBaseline[];
  /** Objects that there are now. */
  readonly objects: number;
  readonly drift: readonly JudgedDrift[];
  /** What the answer does not rest on. */
  readonly notes: readonly string[];
}

interface Wanted {
  readonly output: 'text' | 'json' | 'jsonl';
  readonly limit: number;
}

/** Prints what was found. @returns the exit code: drift before what could not be read */
export async function reportDrift(report: Report, { output, limit }: Wanted): Promise<number> {
  const summary = summaryOf(report);
  if (output === 'json') {
    printJson({ schema: report.schema, ...summary, drift: report.drift.map(driftRow) });
  } else if (output === 'jsonl') {
    await printPieces(report.drift.map((each) => `${jsonText({ record: 'drift', ...driftRow(each) })}\n`));
    await printPieces([`${jsonText({ record: 'summary', schema: report.schema, ...summary })}\n`]);
  } else await printPieces(textOf(report, limit));
  return exitCode(report.drift);
}

function exitCode(drift: readonly JudgedDrift[]): number {
  const unknown = drift.flatMap(({ drift: each }) => {
    return each.kind === 'unknown' ? [{ path: each.path, code: each.reason }] : [];
  });
  return unknown.length < drift.length ? EXIT.no : exitCodeOfUnread(unknown);
}

function summaryOf({ baselines, objects, drift, notes }: Report): object {
  const explained = drift.filter(({ reason }) => reason?.explains === true).length;
  return {
    baselines: baselines.map(baselineRow),
    objects,
    differences: drift.length,
    explained,
    severities: Object.fromEntries(SEVERITIES.map((severity) => [severity, countOf(drift, severity)])),
    directories: directoriesOf(baselines, drift).map(([directory, differences]) => ({ directory, differences })),
    notes,
  };
}

/** What is told of a baseline. */
export function baselineRow({ path, parsed, verified }: OpenedBaseline): object {
  const { header, objects, digest, signatures } = parsed;
  const { roots, ...rest } = header;
  return {
    file: path,
    ...rest,
    roots: roots.map(({ path: root, fileSystem }) => ({ path: textOfPath(root), fileSystem })),
    objects,
    digest,
    signed: signatures.map(({ keyid }) => keyid),
    verified: verified?.keyId ?? null,
  };
}

function countOf(drift: readonly JudgedDrift[], wanted: Severity): number {
  return drift.filter(({ severity }) => severity === wanted).length;
}

function directoriesOf(baselines: readonly OpenedBaseline[], drift: readonly JudgedDrift[]): [string, number][] {
  const roots = baselines.flatMap(({ parsed }) => parsed.header.roots.map(({ path }) => path));
  const counts = new Map<string, number>();
  for (const { drift: each } of drift) {
    const directory = directoryOf(each.path, roots);
    counts.set(directory, (counts.get(directory) ?? 0) + 1);
  }
  return [...counts]
    .map(([path, count]): [string, number] => [textOfPath(path), count])
    .toSorted((a, b) => b[1] - a[1]);
}

function driftRow({ drift, severity, reason }: JudgedDrift): object {
  return {
    path: textOfPath(drift.path),
    kind: drift.kind,
    severity,
    ...(drift.kind === 'changed' ? { attributes: drift.attributes } : {}),
    ...(drift.kind === 'moved' ? { from: textOfPath(drift.before.path) } : {}),
    ...(drift.kind === 'unknown' ? { code: drift.reason } : {}),
    ...('before' in drift ? { before: objectRow(drift.before) } : {}),
    ...('after' in drift ? { after: objectRow(drift.after) } : {}),
    ...(reason === undefined ? {} : { reason }),
  };
}

/** As it stands in a baseline. */
function objectRow(object: BaselineObject): unknown {
  const row: unknown = JSON.parse(encodeObject(object));
  return row;
}

function* textOf(report: Report, limit: number): Generator<string> {
  const { drift, baselines, notes } = report;
  const colour = colours(1);
  const sentence = sentenceOf(report);
  yield `${drift.length === 0 ? colour.green(sentence) : colour.red(sentence)}\n`;
  for (const baseline of baselines) yield `${colour.dim(trustText(baseline))}\n`;
  for (const note of notes) yield `${colour.dim(note)}\n`;
  if (drift.length === 0) return;
  yield '\n';
  const directories = directoriesOf(baselines, drift).slice(0, MOST_DIRECTORIES);
  yield* tableLines([['differences', 'in'], ...directories.map(([path, count]) => [String(count), path])]);
  yield '\n';
  yield* tableLines(drift.slice(0, limit).map(lineOf));
  if (drift.length > limit) yield `... and ${drift.length - limit} more: --limit, or -o jsonl\n`;
}

const MOST_DIRECTORIES = 15;

function sentenceOf({ drift, objects, baselines: [baseline] }: Report): string {
  const since = baseline === undefined ? '' : ` since ${baseline.parsed.header.created}`;
  if (drift.length === 0) return `no difference${since} in ${objects} objects`;
  const counts = SEVERITIES.filter((severity) => countOf(drift, severity) > 0);
  const foreign = drift.filter(({ reason }) => reason?.content === 'foreign').length;
  const explained = drift.filter(({ reason }) => reason?.explains === true).length;
  const first = `${drift.length} ${drift.length === 1 ? 'difference' : 'differences'}${since} in ${objects} objects`;
  const parts = [
    counts.map((severity) => `${countOf(drift, severity)} ${severity}`).join(', '),
    ...(foreign === 0 ? [] : [`${foreign} with content that is not their package's`]),
    `${explained} explained by packages`,
  ];
  return `${first}: ${parts.join('; ')}`;
}

/** What the file itself is worth. */
export function trustText({ path, parsed, verified }: OpenedBaseline): string {
  const name = shown(path);
  if (verified !== undefined) return `${name} is signed by the key ${verified.keyId}, which was given`;
  const { signatures } = parsed;
  if (signatures.length === 0) return `${name} is not signed: whoever can write it can hide differences`;
  const named = signatures.map(({ keyid }) => keyid).join(', ');
  return `${name} has a signature (key ${named}) that was not checked: give --cert or --public-key`;
}

function lineOf({ drift, severity, reason }: JudgedDrift): string[] {
  const colour = colours(1);
  const grave = severity === 'critical' || severity === 'high';
  const why = reason === undefined ? '' : shown(reason.sentence);
  return [
    grave ? colour.red(severity) : severity,
    drift.kind,
    textOfPath(drift.path),
    [whatText(drift), why].filter((part) => part !== '').join('; '),
  ];
}

function whatText(drift: Drift): string {
  switch (drift.kind) {
    case 'added':
      return drift.after.type;
    case 'removed':
      return drift.before.type;
    case 'moved':
      return `was ${textOfPath(drift.before.path)}`;
    case 'unknown':
      return `cannot be compared: ${drift.reason}`;
    case 'changed':
      return drift.attributes.map((attribute) => attributeText(attribute, drift)).join(', ');
  }
}

function attributeText(attribute: string, { before, after }: Extract<Drift, { kind: 'changed' }>): string {
  switch (attribute) {
    case 'type':
      return `${before.type} -> ${after.type}`;
    case 'mode':
      return `mode ${before.mode.toString(8).padStart(4, '0')} -> ${after.mode.toString(8).padStart(4, '0')}`;
    case 'owner':
      return `owner ${before.uid} -> ${after.uid}`;
    case 'group':
      return `group ${before.gid} -> ${after.gid}`;
    case 'xattrs':
      return `xattrs ${changedNames(before, after).map(shown).join(' ')}`;
    case 'target':
      return `target ${textOfPath(before.target ?? '')} -> ${textOfPath(after.target ?? '')}`;
    case 'links':
      return `links ${before.links} -> ${after.links}`;
    default:
      return attribute;
  }
}

function changedNames(before: BaselineObject, after: BaselineObject): string[] {
  const [a, b] = [new Map(before.xattrs), new Map(after.xattrs)];
  return [...new Set([...a.keys(), ...b.keys()])].filter((name) => a.get(name) !== b.get(name)).toSorted();
}
