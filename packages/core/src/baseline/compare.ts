import type { BaselineObject } from './object.ts';

/** What can differ between two objects at one path, the gravest first. */
export const ATTRIBUTES = [
  'type',
  'content',
  'mode',
  'owner',
  'group',
  'xattrs',
  'target',
  'device',
  'links',
  'mtime',
] as const;
export type Attribute = (typeof ATTRIBUTES)[number];

interface Change {
  /** One character per byte. */
  readonly path: string;
}

/** One difference between a baseline and a tree, or another baseline. */
export type Drift =
  | (Change & { readonly kind: 'added'; readonly after: BaselineObject })
  | (Change & { readonly kind: 'removed'; readonly before: BaselineObject })
  | (Change & {
      readonly kind: 'changed';
      readonly before: BaselineObject;
      readonly after: BaselineObject;
      readonly attributes: readonly Attribute[];
    })
  /** The same content under another path: the same inode, or one with the same owner, mode and digest. */
  | (Change & { readonly kind: 'moved'; readonly before: BaselineObject; readonly after: BaselineObject })
  /** Nothing can be said of it: it cannot be read, or changes all the time. */
  | (Change & { readonly kind: 'unknown'; readonly reason: string });

/**
 * What differs between two objects at one path. Inode number and ctime are no drift: every restored file has others. The
 * size is part of the content.
 * @param times whether a difference in the time of modification alone counts; never of directories
 */
export function differences(before: BaselineObject, after: BaselineObject, times: boolean): readonly Attribute[] {
  if (before.type !== after.type) return ['type'];
  return ATTRIBUTES.filter((attribute) => (attribute !== 'mtime' || times) && differs[attribute](before, after));
}

type Differs = (before: BaselineObject, after: BaselineObject) => boolean;

const differs: Readonly<Record<Attribute, Differs>> = {
  type: (before, after) => before.type !== after.type,
  content: (before, after) =>
    before.type === 'file' &&
    (before.size !== after.size ||
      (before.digest !== undefined && after.digest !== undefined && before.digest !== after.digest)),
  mode: (before, after) => before.mode !== after.mode,
  owner: (before, after) => before.uid !== after.uid,
  group: (before, after) => before.gid !== after.gid,
  xattrs: (before, after) => JSON.stringify(before.xattrs ?? []) !== JSON.stringify(after.xattrs ?? []),
  target: (before, after) => before.target !== after.target,
  device: (before, after) => before.device !== after.device,
  // Of a directory it counts the directories in it.
  links: (before, after) =>
    before.type !== 'directory' && (before.links !== after.links || before.sameAs !== after.sameAs),
  mtime: (before, after) => before.type !== 'directory' && before.mtime !== after.mtime,
};

/** What is there at one path, as it comes out of a sorted walk beside a sorted baseline. */
export function driftAt(
  before: BaselineObject | undefined,
  after: BaselineObject | undefined,
  times: boolean,
): readonly Drift[] {
  if (after === undefined) return before === undefined ? [] : [{ kind: 'removed', path: before.path, before }];
  const { path } = after;
  if (before === undefined) return [{ kind: 'added', path, after }];
  const attributes = differences(before, after, times);
  const unread = after.unread ?? before.unread;
  return [
    ...(attributes.length === 0 ? [] : [{ kind: 'changed', path, before, after, attributes } as const]),
    ...(unread === undefined ? [] : [{ kind: 'unknown', path, reason: unread } as const]),
  ];
}

/** Pairs what was removed with what was added and is the same file; the others stay as they are. */
export function withMoves(drift: readonly Drift[]): Drift[] {
  const removed = new Map<string, BaselineObject[]>();
  for (const each of drift) if (each.kind === 'removed') addTo(removed, each.before);
  const moved = new Set<BaselineObject>();
  const paired = drift.map((each): Drift => {
    if (each.kind !== 'added') return each;
    const before = originOf(each.after, removed, moved);
    return before === undefined ? each : { kind: 'moved', path: each.path, before, after: each.after };
  });
  return paired.filter((each) => each.kind !== 'removed' || !moved.has(each.before));
}

function addTo(removed: Map<string, BaselineObject[]>, before: BaselineObject): void {
  if (before.type !== 'file' || before.digest === undefined || before.size === 0) return;
  const key = moveKey(before);
  const found = removed.get(key);
  if (found === undefined) removed.set(key, [before]);
  else found.push(before);
}

function originOf(
  after: BaselineObject,
  removed: ReadonlyMap<string, BaselineObject[]>,
  moved: Set<BaselineObject>,
): BaselineObject | undefined {
  const candidates = after.type === 'file' ? (removed.get(moveKey(after)) ?? []) : [];
  const free = candidates.filter((each) => !moved.has(each));
  const origin = free.find(({ inode }) => inode === after.inode) ?? free[0];
  if (origin !== undefined) moved.add(origin);
  return origin;
}

function moveKey({ digest, mode, uid, gid, xattrs }: BaselineObject): string {
  return JSON.stringify([digest, mode, uid, gid, xattrs ?? []]);
}
