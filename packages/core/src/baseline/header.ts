import { FormatError } from '../errors/index.ts';
import { hashNamed, type HashName } from '../hash/index.ts';
import { FIELDS, flag, isRecord, list, record, text } from './fields.ts';
import { comparePaths, isBelow, pathOfText, textOfPath } from './path.ts';

const SCHEMA = 'assay.baseline.v1';

/** A tree of a baseline. */
export interface BaselineRoot {
  /** Absolute; one character per byte. */
  readonly path: string;
  /** Magic number of its file system in hexadecimal (include/uapi/linux/magic.h). */
  readonly fileSystem: string;
}

/** First line of a baseline: what was looked at, and how. */
export interface BaselineHeader {
  /** RFC 3339 UTC, with milliseconds. */
  readonly created: string;
  /** What wrote it, and its version. */
  readonly tool: string;
  readonly algorithm: HashName;
  /** In the order of `comparePaths`, none below another. */
  readonly roots: readonly BaselineRoot[];
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  readonly oneFileSystem: boolean;
}

/** Without the end of the line. */
export function encodeHeader(header: BaselineHeader): string {
  const { created, tool, algorithm, roots, include, exclude, oneFileSystem } = header;
  const trees = roots.map(({ path, fileSystem }) => ({ path: textOfPath(path), fileSystem }));
  return JSON.stringify({ schema: SCHEMA, created, tool, algorithm, roots: trees, include, exclude, oneFileSystem });
}

/** @throws FormatError BASELINE-FORM, HASH-UNKNOWN */
export function parseHeader(line: string): BaselineHeader {
  const fields = record(line);
  if (fields['schema'] !== SCHEMA) throw new FormatError('BASELINE-FORM', `the first line is not of ${SCHEMA}`);
  const header: BaselineHeader = {
    created: text(fields, 'created', FIELDS.instant),
    tool: text(fields, 'tool', FIELDS.name),
    algorithm: hashNamed(text(fields, 'algorithm', FIELDS.name)).name,
    roots: list(fields, 'roots').map(rootOf),
    include: list(fields, 'include').map(patternOf),
    exclude: list(fields, 'exclude').map(patternOf),
    oneFileSystem: flag(fields, 'oneFileSystem'),
  };
  if (Number.isNaN(Date.parse(header.created))) throw new FormatError('BASELINE-FORM', 'created is no time');
  checkRoots(header.roots);
  if (encodeHeader(header) !== line) throw new FormatError('BASELINE-FORM', 'not in the one form that is written');
  return header;
}

function rootOf(value: unknown): BaselineRoot {
  if (!isRecord(value)) throw new FormatError('BASELINE-FORM', 'roots holds no objects');
  const path = pathOfText(text(value, 'path', FIELDS.path));
  return { path, fileSystem: text(value, 'fileSystem', /^[0-9a-f]{1,16}$/) };
}

function patternOf(value: unknown): string {
  return text({ pattern: value }, 'pattern', FIELDS.any);
}

/** @throws FormatError BASELINE-FORM where a path would be met twice, or roots are not in order */
function checkRoots(roots: readonly BaselineRoot[]): void {
  if (roots.length === 0) throw new FormatError('BASELINE-FORM', 'there is no root');
  for (const [index, { path }] of roots.entries()) {
    const before = roots[index - 1]?.path;
    if (before === undefined) continue;
    if (comparePaths(before, path) >= 0 || isBelow(path, before)) {
      throw new FormatError('BASELINE-FORM', 'roots are not in order, or one is below another');
    }
  }
}
