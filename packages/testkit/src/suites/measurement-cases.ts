import fc from 'fast-check';
import { concat, fromHex, utf8 } from '@assay/core/bytes';
import type { HashName } from '@assay/core/hash';
import type { VerityHash } from '@assay/core/verity';

/** What is done to a file once the policy is active. */
export type MeasuredKind = 'read' | 'open-writer' | 'tomtou';

/** A file of the guest; what it holds follows from its number and size. */
export interface MeasuredFile {
  /** Its place, and its group. */
  readonly index: number;
  /** Chooses the rule. */
  readonly owner: number;
  readonly kind: MeasuredKind;
  /** Absolute. */
  readonly path: Uint8Array;
  readonly size: number;
  /** Values of security.ima and security.evm. */
  readonly ima?: Uint8Array | undefined;
  readonly evm?: Uint8Array | undefined;
  readonly verity?: VerityOptions | undefined;
}

export interface VerityOptions {
  readonly algorithm: VerityHash;
  readonly salt: Uint8Array;
}

/** Which template and PCR the rule for each owner has; without a template it is the default one. */
export const MEASURED_OWNERS: ReadonlyMap<number, { readonly template?: string; readonly pcr?: number }> = new Map([
  [2001, { template: 'ima' }],
  [2002, { template: 'ima-ng' }],
  [2003, { template: 'ima-sig' }],
  [2004, { template: 'ima-ngv2' }],
  [2005, { template: 'ima-sigv2' }],
  [2006, { template: 'evm-sig' }],
  [2007, { template: 'ima-buf' }],
  [2008, { pcr: 11 }],
  [2009, { template: 'ima-sig', pcr: 15 }],
  [2010, {}],
  [2011, { template: 'ima-ngv2' }],
  [2012, { template: 'ima-sigv2', pcr: 12 }],
]);

/** Of these owners the rules want fs-verity digests. */
const VERITY_OWNERS = [2011, 2012];

export const MEASURED_POLICY: readonly string[] = [...MEASURED_OWNERS].map(([owner, { template, pcr }]) =>
  [
    `measure func=FILE_CHECK fowner=${owner}`,
    ...(template === undefined ? [] : [`template=${template}`]),
    ...(pcr === undefined ? [] : [`pcr=${pcr}`]),
    ...(VERITY_OWNERS.includes(owner) ? ['digest_type=verity'] : []),
  ].join(' '),
);

export function contentOf({ index, size }: Pick<MeasuredFile, 'index' | 'size'>): Uint8Array {
  const unit = `${index}\n`;
  return utf8(unit.repeat(Math.floor(size / unit.length) + 1)).subarray(0, size);
}

/** The algorithms whose digests in a label choose that of the measurement, by their number in the kernel. */
export const LABEL_HASHES: readonly (readonly [HashName, number, number])[] = [
  ['md5', 1, 16],
  ['sha1', 2, 20],
  ['sha256', 4, 32],
  ['sha384', 5, 48],
  ['sha512', 6, 64],
  ['sha224', 7, 28],
];

const digestLabel = fc
  .constantFrom(...LABEL_HASHES)
  .chain(([, id, size]) => bytesOf(size).map((digest) => concat([Uint8Array.of(4, id), digest])));
/** Type 1 holds SHA-1, unless its last four bytes are zero. */
const oldLabel = bytesOf(20).map((digest) => concat([Uint8Array.of(1), digest.fill(7, 16)]));
/** A signature of version 2 by an unknown key: measured as it is, whatever it is worth. */
const signatureLabel = fc
  .tuple(fc.constantFrom(...LABEL_HASHES), bytesOf(4), fc.uint8Array({ minLength: 64, maxLength: 256 }))
  .map(([[, id], key, signature]) => signatureOf(3, id, { key, signature }));
const portable = fc
  .tuple(bytesOf(4), fc.uint8Array({ minLength: 64, maxLength: 256 }))
  .map(([key, signature]) => signatureOf(5, 4, { key, signature }));

function bytesOf(size: number): fc.Arbitrary<Uint8Array> {
  return fc.uint8Array({ minLength: size, maxLength: size });
}

interface Parts {
  readonly key: Uint8Array;
  readonly signature: Uint8Array;
}

function signatureOf(type: number, hash: number, { key, signature }: Parts): Uint8Array {
  const size = Uint8Array.of(signature.length >> 8, signature.length & 0xff);
  return concat([Uint8Array.of(type, 2, hash), key, size, signature]);
}

const ODD_NAMES = [
  ' ',
  'a b',
  'new\nline',
  'tab\t',
  '\u001b[31m',
  'é',
  '名前',
  'x'.repeat(200),
  '_',
  '"',
  '\\',
  '%s',
  '...',
];
/** Any bytes but NUL and the slash; two of them are directories. */
const name = fc.oneof(
  fc.constantFrom(...ODD_NAMES).map((text) => utf8(text)),
  fc
    .uint8Array({ minLength: 1, maxLength: 200, min: 1 })
    .map((bytes) => bytes.map((byte) => (byte === 0x2f ? 0x20 : byte)))
    .filter((bytes) => bytes.some((byte) => byte !== 0x2e)),
);

const size = fc.oneof(fc.constantFrom(0, 1, 4095, 4096, 4097, 128 * 4096, 128 * 4096 + 1), fc.nat(20_000));

const file = fc.record({
  owner: fc.constantFrom(...MEASURED_OWNERS.keys()),
  kind: fc.constantFrom<MeasuredKind>('read', 'read', 'read', 'read', 'read', 'read', 'open-writer', 'tomtou'),
  directory: fc.constantFrom('', 'd/', `${'long'.repeat(60)}/`),
  name,
  size,
  ima: fc.oneof(fc.constant(undefined), digestLabel, oldLabel, signatureLabel),
  evm: fc.option(portable, { nil: undefined, freq: 2 }),
  verity: fc.record({
    algorithm: fc.constantFrom<VerityHash>('sha256', 'sha256', 'sha512'),
    salt: fc.oneof(fc.constant(new Uint8Array()), fc.uint8Array({ minLength: 1, maxLength: 32 })),
  }),
});

/** Files in the order in which they are read; each in a directory of its own, so that no two paths are the same. */
export function measuredFiles(seed: number, count: number): MeasuredFile[] {
  return fc.sample(file, { seed, numRuns: count }).map(({ directory, name: own, ...rest }, index) => {
    const isVerity = VERITY_OWNERS.includes(rest.owner);
    return {
      ...rest,
      index,
      kind: isVerity ? 'read' : rest.kind,
      path: concat([utf8(`/m/${index}/${directory}`), own]),
      verity: isVerity ? rest.verity : undefined,
    };
  });
}

/** The algorithm that a label makes the kernel measure by (ima_get_hash_algo). */
export function labelHash(label: Uint8Array): HashName {
  const [type, second, third] = label;
  if (type === 1) return 'sha1';
  const id = type === 4 ? second : third;
  const found = LABEL_HASHES.find(([, number]) => number === id);
  if (found === undefined) throw new RangeError(`no algorithm ${id}`);
  return found[0];
}

export const NONCE = fromHex('00112233445566778899aabbccddeeff');
