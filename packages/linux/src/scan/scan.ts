import { closeSync } from 'node:fs';
import { toHex } from '@assay/core/bytes';
import { comparePaths, isBelow, type BaselineObject } from '@assay/core/baseline';
import type { HashName } from '@assay/core/hash';
import { inodeFacts, type InodeFacts } from '../files/index.ts';
import { labelFiles, type LabelledFile } from '../labels/index.ts';
import type { OpenedFile, TreeObject, TreeProblem } from '../tree/index.ts';

/** One path, as the baseline has it and as it is. */
export interface ScannedPath {
  /** One character per byte. */
  readonly path: string;
  readonly before?: BaselineObject;
  readonly after?: BaselineObject;
  /** Code of an error: what is there is not known, for it or a directory above could not be read. */
  readonly unknown?: string;
}

export interface ScanOptions {
  readonly algorithm: HashName;
  readonly threads?: number;
  /** Takes the digest of the baseline for files whose inode number, size, mtime and ctime are those of the baseline. */
  readonly fast: boolean;
}

type Before = { readonly before?: BaselineObject };
type Passing = Before & {
  readonly kind: 'passing';
  readonly path: Buffer;
  readonly facts?: InodeFacts;
  readonly unread?: string;
  /** Of a file that was not read again. */
  readonly digest?: string;
};
type Step = (OpenedFile & Before) | Passing;

/**
 * Looks at everything that a walk finds, on several threads, beside a baseline in the same order. Keeps of the whole tree
 * only the files that have several names.
 * @param before objects of the baseline; none where one is made
 */
export async function* scanTree(
  found: Iterable<OpenedFile | TreeObject | TreeProblem>,
  before: Iterator<BaselineObject>,
  { algorithm, threads, fast }: ScanOptions,
): AsyncGenerator<ScannedPath> {
  const names = new Names();
  const steps = labelFiles(paired(found, before, fast), { kind: 'describe', algorithm }, threads);
  let unread: { readonly path: string; readonly code: string } | undefined;
  for await (const step of steps) {
    const scanned = scannedPath(step, names);
    const { path } = scanned;
    if (unread !== undefined && isBelow(path, unread.path)) yield { path, unknown: unread.code };
    else yield scanned;
    const code = scanned.unknown ?? blindness(scanned);
    if (code !== undefined && (unread === undefined || !isBelow(path, unread.path))) unread = { path, code };
  }
}

/** Why nothing is known of what is, or was, in a directory. */
function blindness({ before, after }: ScannedPath): string | undefined {
  const directories = [after, before].filter((object) => object?.type === 'directory');
  return directories.find((object) => object?.unread !== undefined)?.unread;
}

/** Both come in the same order, so that one look at each is enough. */
function* paired(
  found: Iterable<OpenedFile | TreeObject | TreeProblem>,
  baseline: Iterator<BaselineObject>,
  fast: boolean,
): Generator<Step> {
  let next = baseline.next();
  for (const each of found) {
    const path = each.path.toString('latin1');
    while (next.done !== true && comparePaths(next.value.path, path) < 0) {
      yield gone(next.value);
      next = baseline.next();
    }
    if (next.done === true || next.value.path !== path) yield stepOf(each, {}, fast);
    else {
      yield stepOf(each, { before: next.value }, fast);
      next = baseline.next();
    }
  }
  for (; next.done !== true; next = baseline.next()) yield gone(next.value);
}

function gone(before: BaselineObject): Step {
  return { kind: 'passing', path: Buffer.from(before.path, 'latin1'), before };
}

function stepOf(found: OpenedFile | TreeObject | TreeProblem, before: Before, fast: boolean): Step {
  if (found.kind === 'file') return (fast ? unchanged(found, before) : undefined) ?? { ...found, ...before };
  const { path } = found;
  const step = { kind: 'passing', path, ...before } as const;
  if (found.kind === 'problem') return { ...step, unread: codeOf(found.error) };
  const unread = found.error === undefined ? {} : { unread: codeOf(found.error) };
  try {
    return { ...step, ...unread, facts: inodeFacts(found.target) };
  } catch (error) {
    const code = codeOf(error);
    return code === 'ENOENT' ? step : { ...step, unread: code }; // It went away since its directory was read.
  }
}

function unchanged({ path, fd }: OpenedFile, { before }: Before): Step | undefined {
  if (before?.digest === undefined) return undefined;
  const facts = inodeFacts(fd);
  const { inode, size, mtime, ctime } = facts;
  const same =
    before.type === 'file' &&
    before.inode === inode &&
    before.size === size &&
    before.mtime === mtime &&
    before.ctime === ctime;
  if (!same) return undefined;
  closeSync(fd);
  return { kind: 'passing', path, before, facts, digest: before.digest };
}

function scannedPath({ found, result }: LabelledFile<Step>, names: Names): ScannedPath {
  const path = found.path.toString('latin1');
  const { before } = found;
  const passing = found.kind === 'passing' ? found : undefined;
  const facts = passing === undefined ? result.inode : passing.facts;
  const unread = passing === undefined ? result.code : passing.unread;
  const known = before === undefined ? { path } : { path, before };
  if (facts === undefined) return unread === undefined ? known : { ...known, unknown: unread };
  const { digest: value } = result;
  const digest = value === undefined ? passing?.digest : `${value.algorithm}:${toHex(value.value)}`;
  const content = names.content(path, facts, {
    ...(digest === undefined ? {} : { digest }),
    ...(unread === undefined ? {} : { unread }),
  });
  return { ...known, after: objectOf(path, facts, content) };
}

type Content = Pick<BaselineObject, 'digest' | 'unread' | 'sameAs'>;

/** First names of files that have several. */
class Names {
  readonly #first = new Map<string, Content & { readonly path: string }>();

  /** The content of a further name is that of the first. */
  content(path: string, { identity, links, type }: InodeFacts, content: Content): Content {
    if (links < 2 || type === 'directory') return content;
    const first = this.#first.get(identity);
    if (first === undefined) {
      this.#first.set(identity, { ...content, path });
      return content;
    }
    const { path: sameAs, ...same } = first;
    return { ...same, sameAs };
  }
}

function objectOf(path: string, facts: InodeFacts, content: Content): BaselineObject {
  const { type, mode, uid, gid, size, links, inode, mtime, ctime, device, target, xattrs } = facts;
  const rest = { type, mode, uid, gid, size, links, inode, mtime, ctime };
  const special = { ...(device === undefined ? {} : { device }), ...(target === undefined ? {} : { target }) };
  // What the directory had as something else is a file by now.
  const isUnread = type === 'file' && content.digest === undefined && content.unread === undefined;
  const unread = isUnread ? { unread: 'FILE-CHANGING' } : {};
  return { path, ...rest, ...special, ...(xattrs.length === 0 ? {} : { xattrs }), ...content, ...unread };
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'INTERNAL';
}
