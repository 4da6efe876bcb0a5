import fc from 'fast-check';
import type { KernelSeries } from '../lab/index.ts';

/** A file system that the guest makes, with the facts that policies look at. */
export interface CaseFileSystem {
  readonly name: string;
  readonly type: string;
  readonly magic: bigint;
  /** Not given: a random one. */
  readonly uuid?: string;
}

export const FILE_SYSTEMS: readonly CaseFileSystem[] = [
  { name: 'a', type: 'ext4', magic: 0xef53n, uuid: '0a1b2c3d-4e5f-4071-8293-a4b5c6d7e8f9' },
  { name: 'b', type: 'ext4', magic: 0xef53n, uuid: 'ffffffff-0000-4000-8000-00000000abcd' },
  { name: 't', type: 'tmpfs', magic: 0x0102_1994n },
];

/** Ways to a file; `policy-matching.py` says what each does. */
export const ACCESS_KINDS = [
  'r',
  'w',
  'rw',
  'a',
  'ra',
  'rt',
  'path',
  'map',
  'map-exec',
  'map-implied',
  'exec',
] as const;
export type AccessKind = (typeof ACCESS_KINDS)[number];

/** Real, effective and saved user, then the same of the group. */
export type SubjectIds = readonly [number, number, number, number, number, number];

export const SUBJECTS: readonly SubjectIds[] = [
  [0, 0, 0, 0, 0, 0],
  [1001, 1001, 1001, 1001, 1001, 1001],
  [1001, 1002, 1003, 1001, 1002, 1003],
  [1002, 0, 1001, 1002, 1003, 1001],
  [70_000, 70_000, 1001, 0, 70_000, 70_000],
];

/** One access to a file of its own. */
export interface MatchCase {
  readonly index: number;
  readonly fs: string;
  readonly owner: number;
  readonly group: number;
  /** Permissions with the bits that change the user and group of a program. */
  readonly mode: number;
  readonly kind: AccessKind;
  readonly subject: SubjectIds;
}

export interface MatchCases {
  readonly policy: readonly string[];
  readonly cases: readonly MatchCase[];
}

const IDS = [0, 1001, 1002, 1003, 70_000];
/** Those that a TPM lets the kernel extend. */
const PCRS = [8, 9, 10, 11, 12, 13, 14, 15, 16, 23];
const TEMPLATES = ['ima', 'ima-ng', 'ima-sig', 'ima-ngv2', 'ima-sigv2', 'evm-sig'];
const FUNCTIONS = ['FILE_CHECK', 'MMAP_CHECK', 'MMAP_CHECK_REQPROT', 'BPRM_CHECK', 'CREDS_CHECK'];
const MASKS = ['MAY_EXEC', 'MAY_WRITE', 'MAY_READ', 'MAY_APPEND'];
const ACTIONS = ['measure', 'dont_measure', 'appraise', 'dont_appraise', 'audit', 'hash', 'dont_hash'];

type Words = readonly string[];
const none = fc.constant<Words>([]);
const or = (weight: number, words: fc.Arbitrary<string>): fc.Arbitrary<Words> =>
  fc.oneof({ weight, arbitrary: words.map((word) => [word]) }, { weight: 10 - weight, arbitrary: none });

function id(field: string): fc.Arbitrary<string> {
  const operator = fc.constantFrom('=', '=', '<', '>');
  return fc.tuple(operator, fc.constantFrom(...IDS)).map(([sign, value]) => `${field}${sign}${value}`);
}

/** One of these fields: user and effective user share a slot, and so do the groups. */
function idOf(fields: Words): fc.Arbitrary<string> {
  return fc.constantFrom(...fields).chain(id);
}

const fileSystem = fc.oneof(
  fc.constantFrom(...FILE_SYSTEMS.map(({ magic }) => `fsmagic=0x${magic.toString(16)}`)),
  fc.constantFrom(...FILE_SYSTEMS.map(({ type }) => `fsname=${type}`)),
  fc.constantFrom(...FILE_SYSTEMS.flatMap(({ uuid }) => (uuid === undefined ? [] : [`fsuuid=${uuid.toUpperCase()}`]))),
);

const mask = fc.tuple(fc.constantFrom('', '^'), fc.constantFrom(...MASKS)).map(([any, name]) => `mask=${any}${name}`);

function options(action: string): fc.Arbitrary<Words> {
  if (action === 'measure') {
    const pcr = fc.constantFrom(...PCRS).map((index) => `pcr=${index}`);
    return join(
      or(8, pcr),
      or(
        5,
        fc.constantFrom(...TEMPLATES).map((name) => `template=${name}`),
      ),
    );
  }
  return action === 'appraise' ? or(3, fc.constant('appraise_type=imasig')) : none;
}

function join(...parts: fc.Arbitrary<Words>[]): fc.Arbitrary<Words> {
  return fc.tuple(...parts).map((all) => all.flat());
}

/** @param key the slot by which a rule belongs to its block */
function rule(key: Slot, series: KernelSeries): fc.Arbitrary<Words> {
  const functions = series === '6.1' ? FUNCTIONS.filter((name) => name !== 'MMAP_CHECK_REQPROT') : FUNCTIONS;
  const actions = series === '7.2' ? [...ACTIONS, 'dont_audit'] : ACTIONS;
  return fc.constantFrom(...actions, 'measure', 'measure', 'appraise').chain((action) => {
    return join(
      fc.constant([action]),
      or(
        6,
        fc.constantFrom(...functions).map((name) => `func=${name}`),
      ),
      or(3, mask),
      or(2, fileSystem),
      or(3, idOf(['uid', 'euid'])),
      or(2, idOf(['gid', 'egid'])),
      or(3, id(key === 'fgroup' ? 'fowner' : 'fgroup')),
      options(action),
    );
  });
}

type Slot = 'fowner' | 'fgroup';

/** Rules for the files of one owner or group, and accesses to such files. */
interface Block {
  readonly key: Slot;
  readonly rules: readonly Words[];
  readonly accesses: readonly Omit<MatchCase, 'index'>[];
}

const access = (key: Slot): fc.Arbitrary<Omit<MatchCase, 'index'>> =>
  fc.record({
    fs: fc.constantFrom(...FILE_SYSTEMS.map(({ name }) => name)),
    owner: fc.constantFrom(...IDS),
    group: fc.constantFrom(...IDS),
    // Only where the owner or group that the program gets is not the number of the block.
    mode: fc.constantFrom(0o777, 0o777, key === 'fgroup' ? 0o4777 : 0o2777),
    kind: fc.constantFrom<AccessKind>(...ACCESS_KINDS, 'exec', 'exec', 'map-exec'),
    subject: fc.constantFrom(...SUBJECTS),
  });

function block(series: KernelSeries): fc.Arbitrary<Block> {
  const parts = (key: Slot): fc.Arbitrary<Block> =>
    fc.record({
      key: fc.constant(key),
      rules: fc.array(rule(key, series), { minLength: 3, maxLength: 9 }),
      accesses: fc.array(access(key), { minLength: 8, maxLength: 8 }),
    });
  return fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom<Slot>('fowner', 'fgroup').chain(parts) },
    { weight: 1, arbitrary: fc.constantFrom<Slot>('fowner', 'fgroup').chain(credentialsBlock) },
  );
}

/** Rules that tell apart which ids a program is looked at with, and programs that get other ids. */
function credentialsBlock(key: Slot): fc.Arbitrary<Block> {
  const fields = key === 'fgroup' ? ['uid', 'euid'] : ['gid', 'egid'];
  const parts = fc.tuple(
    fc.constantFrom('BPRM_CHECK', 'CREDS_CHECK', 'MMAP_CHECK'),
    idOf(fields),
    fc.constantFrom(...PCRS),
  );
  const one = parts.map(([func, ids, pcr]): Words => ['measure', `func=${func}`, ids, `pcr=${pcr}`]);
  const changing = { kind: 'exec', mode: key === 'fgroup' ? 0o4777 : 0o2777 } as const;
  return fc.record({
    key: fc.constant(key),
    rules: fc.array(one, { minLength: 5, maxLength: 9 }),
    accesses: fc
      .array(access(key), { minLength: 8, maxLength: 8 })
      .map((all) => all.map((each) => ({ ...each, ...changing }))),
  });
}

const FIRST_BLOCK = 100_000;

/** Many small policies in one: each block has an owner or group of its own, which all its rules and files have. */
export function matchCases(series: KernelSeries, seed: number, blocks: number): MatchCases {
  const all = fc.sample(block(series), { seed, numRuns: blocks });
  const policy = all.flatMap(({ key, rules }, index) =>
    rules.map(([action = '', ...rest]) => [action, `${key}=${FIRST_BLOCK + index}`, ...rest].join(' ')),
  );
  const cases = all.flatMap(({ key, accesses }, index) => {
    const owned = key === 'fowner' ? { owner: FIRST_BLOCK + index } : { group: FIRST_BLOCK + index };
    return accesses.map((each) => ({ ...each, ...owned }));
  });
  const bySubject = cases.toSorted((a, b) => SUBJECTS.indexOf(a.subject) - SUBJECTS.indexOf(b.subject));
  return { policy, cases: bySubject.map((each, index) => ({ ...each, index })) };
}
