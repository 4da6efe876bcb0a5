import { sign } from 'node:crypto';
import fc from 'fast-check';
import { concat, utf8 } from '@assay/core/bytes';
import { digestLabel, encodeImaLabel } from '@assay/core/label';
import { nodeHasher } from '@assay/core/node';
import { assumedEvents, roleOf, type Assumption } from '@assay/core/preflight';
import type { KernelProfile } from '@assay/core/policy';
import type { LabelKey } from './label-key.ts';
import { FILE_SYSTEMS } from './policy-cases.ts';
import { tinyProgram } from './tiny-program.ts';

/** A file of the guest, and how it is used there. */
export interface UsedFile {
  readonly path: string;
  readonly owner: number;
  readonly group: number;
  /** With the bits that change the user and group of a program. */
  readonly mode: number;
  readonly content: Uint8Array;
  /** Value of security.ima; none where it is empty. */
  readonly label: Uint8Array;
  readonly accesses: readonly Assumption[];
}

/** Who uses files. */
export const USERS = [0, 1000];

/** What the guest does, in its order. Firmware is not among it: a driver would have to ask for some. */
const ACCESSES: readonly Assumption[] = ['exec', 'mmap', 'modules', 'read-root', 'read-user', 'kexec'];

/** Rules for the files of each owner. */
const BLOCKS: readonly (readonly [owner: number, rules: readonly string[]])[] = [
  [4001, ['dont_appraise fsmagic=0x01021994', 'appraise', 'measure']],
  [4002, ['appraise func=BPRM_CHECK appraise_type=imasig', 'appraise func=FILE_CHECK mask=MAY_EXEC']],
  [
    4003,
    ['appraise func=CREDS_CHECK euid=4003', 'measure func=CREDS_CHECK', 'measure func=FILE_CHECK uid=1000 pcr=11'],
  ],
  [4004, ['appraise func=MMAP_CHECK mask=MAY_EXEC fsname=ext4', 'measure func=MMAP_CHECK mask=MAY_EXEC']],
  [4005, ['appraise func=MODULE_CHECK', 'appraise func=KEXEC_KERNEL_CHECK appraise_type=imasig']],
  [4006, ['appraise func=FILE_CHECK mask=MAY_READ uid=1000', 'measure func=FILE_CHECK mask=^MAY_READ template=ima-ng']],
  [4007, ['measure func=FILE_CHECK mask=MAY_READ pcr=12 template=ima-ngv2', 'measure mask=MAY_EXEC', 'audit']],
  [4008, ['appraise func=BPRM_CHECK fgroup=1000', 'appraise func=FILE_CHECK mask=MAY_READ fsname=tmpfs']],
  [4009, ['appraise appraise_algos=sha256']],
  [4010, ['dont_appraise func=FILE_CHECK', 'appraise appraise_type=imasig']],
  [4011, ['appraise func=FILE_CHECK mask=MAY_READ appraise_algos=sha256,sha224', 'appraise func=BPRM_CHECK']],
];

/** The rules of all blocks; those for other owners never match. */
export const MIXED_POLICY: readonly string[] = BLOCKS.flatMap(([owner, rules]) =>
  rules.map((rule) => `${rule} fowner=${owner}`),
);

const NAMES = ['program', 'script', 'data', 'empty', 'lib/x.so.1', 'lib/x.so', 'lib/modules/x.ko', 'vmlinuz'];

const LABELS = [
  'none',
  'none',
  'good',
  'good',
  'good',
  'wrong',
  'signed',
  'sha1',
  'sha224',
  'truncated',
  'type-2',
] as const;
type LabelName = (typeof LABELS)[number];

const file = fc.record({
  fs: fc.constantFrom(...FILE_SYSTEMS.map(({ name }) => name)),
  owner: fc.constantFrom(0, 1000, ...BLOCKS.flatMap(([owner]) => [owner, owner])),
  group: fc.constantFrom(0, 1000, 4003),
  mode: fc.constantFrom(0o755, 0o755, 0o644, 0o600, 0o750, 0o711, 0o555, 0o4755, 0o2755, 0o6755, 0o604, 0o111),
  name: fc.constantFrom(...NAMES),
  label: fc.constantFrom(...LABELS),
  /** One kind of access to each of two thirds of the files, all kinds to the others. */
  only: fc.option(fc.constantFrom(...ACCESSES), { nil: undefined, freq: 2 }),
});

/** Files to which something happens. */
export function usedFiles(
  seed: number,
  count: number,
  key: LabelKey,
  profile: Pick<KernelProfile, 'version'>,
): UsedFile[] {
  const drawn = fc.sample(file, { seed, numRuns: count }).map(({ fs, name, label, only, ...rest }, index) => {
    const path = `/m/${fs}/${index}/${name}`;
    const content = contentOf(name, index);
    const kind = { ...rest, isElf: isElf(content), role: roleOf(path) };
    const accesses = (only === undefined ? ACCESSES : [only]).filter(
      (access) => assumedEvents(kind, [access], USERS, profile).length > 0,
    );
    return { ...rest, path, content, label: labelOf(label, content, key), accesses };
  });
  return drawn.filter(({ accesses }) => accesses.length > 0);
}

const ELF_MAGIC = '\u007fELF';

export function isElf(content: Uint8Array): boolean {
  return Buffer.from(content.subarray(0, 4)).toString('latin1') === ELF_MAGIC;
}

/** Different in each file. */
function contentOf(name: string, index: number): Uint8Array {
  if (name === 'empty') return new Uint8Array();
  if (name === 'script') return utf8(`#!/bin/sh\nexit 0 # ${index}\n`);
  return name === 'data' || name === 'vmlinuz' ? utf8(`${name} ${index}\n`) : concat([tinyProgram(), utf8(`${index}`)]);
}

function labelOf(label: LabelName, content: Uint8Array, key: LabelKey): Uint8Array {
  switch (label) {
    case 'none':
      return new Uint8Array();
    case 'signed':
      return signedLabel(content, key);
    case 'good':
      return digestOf('sha256', content);
    case 'sha1':
    case 'sha224':
      return digestOf(label, content);
    case 'wrong':
      return digestOf('sha256', concat([content, utf8('other')]));
    case 'truncated':
      return digestOf('sha256', content).subarray(0, -1);
    case 'type-2':
      return concat([Uint8Array.of(2), nodeHasher.digest('sha1', content)]);
  }
}

function digestOf(algorithm: 'sha1' | 'sha224' | 'sha256', content: Uint8Array): Uint8Array {
  return encodeImaLabel(digestLabel(algorithm, nodeHasher.digest(algorithm, content)));
}

/** Of version 2, which all kernels know. */
function signedLabel(content: Uint8Array, { keyId, privateKey }: LabelKey): Uint8Array {
  const signature = sign('sha256', content, privateKey);
  return encodeImaLabel({ kind: 'signature', type: 3, version: 2, algorithm: 'sha256', keyId, signature });
}
