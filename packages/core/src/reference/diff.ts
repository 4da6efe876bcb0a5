import { canonicalJson } from '../bytes/index.ts';
import type { Pool, PoolKind, ReferenceDocument } from './document.ts';

/** How the pools of one name differ: a package that was updated is one row, whatever the number of its files. */
export interface PoolChange {
  readonly kind: PoolKind;
  readonly name: string;
  /** Versions there were and are; empty where there was or is none. */
  readonly before: readonly string[];
  readonly after: readonly string[];
  /** Paths with a digest that was not good before, paths that are new, and paths that are there no more. */
  readonly updated: number;
  readonly added: number;
  readonly removed: number;
  /** Digests that are good now, and those that no longer are. */
  readonly digestsAdded: number;
  readonly digestsRemoved: number;
}

/** Something else than a pool. */
export interface RuleChange {
  readonly member:
    | 'files'
    | 'buffers'
    | 'keyrings'
    | 'ignoredKeyrings'
    | 'keys'
    | 'excludes'
    | 'denied'
    | 'kernelPolicy'
    | 'bootAggregate'
    | 'validUntil';
  readonly change: 'added' | 'removed' | 'changed';
  /** Path, name, pattern or digest. */
  readonly subject: string;
}

export interface ReferenceDiff {
  readonly pools: readonly PoolChange[];
  readonly rules: readonly RuleChange[];
}

/** What differs from one version to another, by package and rule. */
export function diffReferences(before: ReferenceDocument, after: ReferenceDocument): ReferenceDiff {
  return { pools: diffPools(before.pools, after.pools), rules: diffRules(before, after) };
}

function diffPools(before: readonly Pool[], after: readonly Pool[]): PoolChange[] {
  const old = Map.groupBy(before, groupOf);
  const now = Map.groupBy(after, groupOf);
  const groups = [...new Set([...old.keys(), ...now.keys()])].toSorted();
  return groups.flatMap((group) => {
    const change = diffGroup(old.get(group) ?? [], now.get(group) ?? []);
    return change === undefined ? [] : [change];
  });
}

const groupOf = ({ kind, name }: Pool): string => `${kind} ${name}`;

function diffGroup(before: readonly Pool[], after: readonly Pool[]): PoolChange | undefined {
  const [one] = after.length > 0 ? after : before;
  if (one === undefined || canonicalJson(before) === canonicalJson(after)) return undefined;
  const [old, now] = [byPath(before), byPath(after)];
  const paths = [...now.keys()];
  const known = paths.filter((path) => old.has(path));
  const [oldDigests, nowDigests] = [digestsOf(before), digestsOf(after)];
  return {
    kind: one.kind,
    name: one.name,
    before: versionsOf(before),
    after: versionsOf(after),
    updated: known.filter((path) => missing(now.get(path), old.get(path)) > 0).length,
    added: paths.length - known.length,
    removed: [...old.keys()].filter((path) => !now.has(path)).length,
    digestsAdded: missing(nowDigests, oldDigests),
    digestsRemoved: missing(oldDigests, nowDigests),
  };
}

/** How many of the first are not among the second. */
function missing(some: ReadonlySet<string> = new Set(), others: ReadonlySet<string> = new Set()): number {
  return Array.from(some).filter((each) => !others.has(each)).length;
}

function versionsOf(pools: readonly Pool[]): string[] {
  return [...new Set(pools.flatMap(({ version }) => (version === undefined ? [] : [version])))].toSorted();
}

function digestsOf(pools: readonly Pool[]): Set<string> {
  return new Set(pools.flatMap(({ digests }) => digests.map(({ digest }) => digest)));
}

function byPath(pools: readonly Pool[]): Map<string, Set<string>> {
  const paths = new Map<string, Set<string>>();
  for (const { digests } of pools) {
    for (const { digest, paths: of } of digests) {
      for (const path of of) paths.set(path, (paths.get(path) ?? new Set()).add(digest));
    }
  }
  return paths;
}

function diffRules(before: ReferenceDocument, after: ReferenceDocument): RuleChange[] {
  const single = (value: unknown): [string, unknown][] => (value === undefined ? [] : [['', value]]);
  const lists: [RuleChange['member'], (document: ReferenceDocument) => [string, unknown][]][] = [
    ['files', ({ files }) => files.map((rule) => [rule.path, rule])],
    ['buffers', ({ buffers }) => buffers.map((rule) => [rule.name, rule])],
    ['keyrings', ({ keyrings }) => keyrings.map((rule) => [rule.name, rule])],
    ['ignoredKeyrings', ({ ignoredKeyrings }) => ignoredKeyrings.map((name) => [name, name])],
    ['keys', ({ keys }) => keys.map((key) => [key.name, key])],
    ['excludes', ({ excludes }) => excludes.map((exclude) => [exclude.pattern, exclude])],
    ['denied', ({ denied }) => denied.map((rule) => [rule.digest, rule])],
    ['kernelPolicy', ({ kernelPolicy }) => single(kernelPolicy)],
    ['bootAggregate', ({ bootAggregate }) => single(bootAggregate)],
    ['validUntil', ({ validUntil }) => single(validUntil)],
  ];
  return lists.flatMap(([member, of]) => diffList(member, of(before), of(after)));
}

function diffList(
  member: RuleChange['member'],
  before: readonly [string, unknown][],
  after: readonly [string, unknown][],
): RuleChange[] {
  const [old, now] = [new Map(before), new Map(after)];
  const changes: RuleChange[] = [];
  for (const [subject, value] of now) {
    if (!old.has(subject)) changes.push({ member, change: 'added', subject });
    else if (canonicalJson(old.get(subject)) !== canonicalJson(value))
      changes.push({ member, change: 'changed', subject });
  }
  for (const subject of old.keys()) if (!now.has(subject)) changes.push({ member, change: 'removed', subject });
  return changes;
}
