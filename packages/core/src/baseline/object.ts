import { FormatError } from '../errors/index.ts';
import { pathOfText, textOfPath } from './path.ts';
import { FIELDS, list, record, text, whole } from './fields.ts';

export const OBJECT_TYPES = ['file', 'directory', 'link', 'fifo', 'socket', 'character', 'block'] as const;
export type ObjectType = (typeof OBJECT_TYPES)[number];

/** One line of a baseline: something that has a path. */
export interface BaselineObject {
  /** Absolute; one character per byte. */
  readonly path: string;
  readonly type: ObjectType;
  /** Permissions, set-id bits and the sticky bit. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes. */
  readonly size: number;
  /** Names that the inode has, in the tree and elsewhere. */
  readonly links: number;
  readonly inode: string;
  /** Seconds since 1970 with nine decimals. */
  readonly mtime: string;
  readonly ctime: string;
  /** `alg:hex` of the content of a file that was read. */
  readonly digest?: string;
  /** The first path of the same inode in the tree, where this is another one. */
  readonly sameAs?: string;
  /** What a symbolic link leads to; one character per byte. */
  readonly target?: string;
  /** Major and minor number of a device. */
  readonly device?: string;
  /** Ascending names; values in hexadecimal, long ones as `sha256:` and their digest. */
  readonly xattrs?: readonly (readonly [name: string, value: string])[];
  /** Why the content of a file, or what is in a directory, is not known: a code of an error. */
  readonly unread?: string;
}

/** The line of an object, without its end. The form is the only one that is read back. */
export function encodeObject(object: BaselineObject): string {
  const { path, type, mode, uid, gid, size, links, inode, mtime, ctime, digest, sameAs, target, device } = object;
  const { xattrs, unread } = object;
  return JSON.stringify({
    path: textOfPath(path),
    type,
    mode: mode.toString(8).padStart(4, '0'),
    uid,
    gid,
    size,
    links,
    inode,
    mtime,
    ctime,
    digest,
    sameAs: sameAs === undefined ? undefined : textOfPath(sameAs),
    target: target === undefined ? undefined : textOfPath(target),
    device,
    xattrs: xattrs === undefined || xattrs.length === 0 ? undefined : xattrs,
    unread,
  });
}

/** @throws FormatError BASELINE-FORM */
export function parseObject(line: string): BaselineObject {
  const fields = record(line);
  const object: BaselineObject = {
    path: pathOfText(text(fields, 'path', FIELDS.path)),
    type: typeOf(text(fields, 'type', FIELDS.word)),
    mode: Number.parseInt(text(fields, 'mode', FIELDS.mode), 8),
    uid: whole(fields, 'uid'),
    gid: whole(fields, 'gid'),
    size: whole(fields, 'size'),
    links: whole(fields, 'links'),
    inode: text(fields, 'inode', FIELDS.inode),
    mtime: text(fields, 'mtime', FIELDS.time),
    ctime: text(fields, 'ctime', FIELDS.time),
    ...optional(fields, 'digest', (value) => text(value, 'digest', FIELDS.digest)),
    ...optional(fields, 'sameAs', (value) => pathOfText(text(value, 'sameAs', FIELDS.path))),
    ...optional(fields, 'target', (value) => pathOfText(text(value, 'target', FIELDS.any))),
    ...optional(fields, 'device', (value) => text(value, 'device', FIELDS.device)),
    ...optional(fields, 'xattrs', (value) => attributesOf(list(value, 'xattrs'))),
    ...optional(fields, 'unread', (value) => text(value, 'unread', FIELDS.word)),
  };
  if (encodeObject(object) !== line) throw new FormatError('BASELINE-FORM', 'not in the one form that is written');
  checkType(object);
  return object;
}

type Fields = Readonly<Record<string, unknown>>;

function optional<K extends string, T>(
  fields: Fields,
  name: K,
  read: (fields: Fields) => T,
): { readonly [k in K]?: T } {
  if (fields[name] === undefined) return {};
  const found: { [k in K]?: T } = {};
  found[name] = read(fields);
  return found;
}

function typeOf(word: string): ObjectType {
  const type = OBJECT_TYPES.find((each) => each === word);
  if (type === undefined) throw new FormatError('BASELINE-FORM', 'an object is of no type that there is');
  return type;
}

function attributesOf(values: readonly unknown[]): [string, string][] {
  const pairs = values.map((value): [string, string] => {
    if (!Array.isArray(value) || value.length !== 2) throw new FormatError('BASELINE-FORM', 'xattrs holds no pairs');
    const pair: Fields = { name: value[0], value: value[1] };
    return [text(pair, 'name', FIELDS.name), text(pair, 'value', FIELDS.value)];
  });
  const ascending = pairs.every(([name], index) => index === 0 || (pairs[index - 1]?.[0] ?? '') < name);
  if (!ascending) throw new FormatError('BASELINE-FORM', 'xattrs are not in ascending order');
  return pairs;
}

/** Fields that only some types have. */
function checkType({ type, digest, sameAs, target, device, unread }: BaselineObject): void {
  const isDevice = type === 'character' || type === 'block';
  const right =
    (target !== undefined) === (type === 'link') &&
    (device !== undefined) === isDevice &&
    (digest === undefined || type === 'file') &&
    (type !== 'file' || (digest === undefined) === (unread !== undefined)) &&
    (sameAs === undefined || type !== 'directory');
  if (!right) throw new FormatError('BASELINE-FORM', `what the line has does not fit a ${type}`);
}
