import { generateKeyPairSync, sign } from 'node:crypto';
import fc from 'fast-check';
import { concat, fromHex } from '@assay/core/bytes';
import { hashAlgorithm, type HashName } from '@assay/core/hash';
import { encodeImaLabel, type SignedForm } from '@assay/core/label';
import { nodeHasher } from '@assay/core/node';
import { VERITY_DEFAULTS, VerityDigest } from '@assay/core/verity';
import type { KernelSeries } from '../lab/index.ts';
import { labelKey, type LabelKey } from './label-key.ts';
import { tinyProgram } from './tiny-program.ts';

/** What all files hold: it can be executed. */
export const APPRAISED_CONTENT = tinyProgram();

export const APPRAISED_ACCESSES = ['read', 'write', 'map', 'exec'] as const;
export type AppraisedAccessKind = (typeof APPRAISED_ACCESSES)[number];

export interface AppraisedCase {
  readonly index: number;
  /** Chooses the rule. */
  readonly owner: number;
  /** Value of security.ima; none where it is empty. */
  readonly label: Uint8Array;
  /** Whether fs-verity is enabled. */
  readonly verity: boolean;
  readonly accesses: readonly AppraisedAccessKind[];
}

const RULES: readonly string[] = [
  'appraise fowner=3000',
  'appraise fowner=3001 appraise_type=imasig',
  'appraise func=BPRM_CHECK fowner=3002 appraise_type=imasig',
  'appraise fowner=3003 appraise_algos=sha256,sha1',
  'appraise func=MMAP_CHECK mask=MAY_EXEC fowner=3004',
  'appraise fowner=3005 digest_type=verity appraise_type=sigv3',
  'appraise func=FILE_CHECK mask=MAY_READ fowner=3006',
  'dont_appraise func=FILE_CHECK fowner=3007',
  'appraise fowner=3007 appraise_type=imasig',
  'appraise func=CREDS_CHECK fowner=3008',
];

export function appraisalPolicy(series: KernelSeries): readonly string[] {
  return series === '7.2' ? [...RULES, 'appraise fowner=3009 appraise_type=sigv3'] : RULES;
}

/** Labels by their names, and the certificates that the kernel gets. */
export interface Labels {
  readonly certificates: ReadonlyMap<string, Uint8Array>;
  readonly labels: ReadonlyMap<string, Uint8Array>;
}

const V2 = { type: 3, version: 2 } as const;
const V3 = { type: 3, version: 3 } as const;
const VERITY = { type: 6, version: 3 } as const;

/** Labels of every type, good and bad, by keys that are made for this run. Debian's small 6.1 does not take ECDSA keys. */
export function makeLabels(series: KernelSeries): Labels {
  const rsa = labelKey(generateKeyPairSync('rsa', { modulusLength: 2048 }), 'rsa');
  const p256 = labelKey(generateKeyPairSync('ec', { namedCurve: 'P-256' }), 'p256');
  const other = labelKey(generateKeyPairSync('rsa', { modulusLength: 2048 }), 'other');
  const good = signed(rsa, 'sha256', V2);
  const verity = verityDigest();
  const verityLabel = signed(rsa, 'sha256', VERITY, verity);
  const labels: Readonly<Record<string, Uint8Array>> = {
    none: new Uint8Array(),
    sha1: bytes(1, digest('sha1')),
    'sha1-of-type-4': bytes(4, 2, digest('sha1')),
    md5: bytes(1, digest('md5')),
    'md5-padded': bytes(1, digest('md5'), new Uint8Array(4)),
    sha256: bytes(4, 4, digest('sha256')),
    sha224: bytes(4, 7, digest('sha224')),
    sha384: bytes(4, 5, digest('sha384')),
    sha512: bytes(4, 6, digest('sha512')),
    wrong: bytes(4, 4, digest('sha256').toReversed()),
    'with-more-behind': bytes(4, 4, digest('sha256'), 1, 2, 3),
    'too-short': bytes(4, 4, digest('sha256').subarray(0, 31)),
    'algorithm-alone': bytes(4, 4),
    'unknown-algorithm': bytes(4, 0xff, digest('sha256')),
    rsa: good,
    'rsa-sha512': signed(rsa, 'sha512', V2),
    'rsa-sha1': signed(rsa, 'sha1', V2),
    p256: signed(p256, 'sha256', V2),
    'flipped-bit': good.with(good.length - 1, (good.at(-1) ?? 0) ^ 1),
    'unknown-algorithm-of-signature': good.with(2, 0xff),
    'other-key': signed(other, 'sha256', V2),
    'wrong-size': good.with(8, (good[8] ?? 0) ^ 1),
    truncated: good.subarray(0, -1),
    'version-3': signed(rsa, 'sha256', V3),
    'version-4': good.with(1, 4),
    'type-0': bytes(0, digest('sha256')),
    'type-2': bytes(2, digest('sha1')),
    'type-5': good.with(0, 5),
    verity: verityLabel,
    'verity-flipped': verityLabel.with(verityLabel.length - 1, (verityLabel.at(-1) ?? 0) ^ 1),
    'verity-of-plain': signed(rsa, 'sha256', VERITY),
  };
  return {
    certificates: new Map([
      ['rsa.der', rsa.certificate],
      ...(series === '6.1' ? [] : [['p256.der', p256.certificate] as const]),
    ]),
    labels: new Map(Object.entries(labels)),
  };
}

function digest(algorithm: HashName): Uint8Array {
  return nodeHasher.digest(algorithm, APPRAISED_CONTENT);
}

export function verityDigest(): Uint8Array {
  const tree = new VerityDigest(nodeHasher, VERITY_DEFAULTS);
  tree.update(APPRAISED_CONTENT);
  return tree.finish().digest;
}

function bytes(...parts: (number | Uint8Array)[]): Uint8Array {
  return concat(parts.map((part) => (typeof part === 'number' ? Uint8Array.of(part) : part)));
}

/** Of version 2 the content is signed, of version 3 type, algorithm and digest. */
function signed(pair: LabelKey, algorithm: HashName, form: SignedForm, value = digest(algorithm)): Uint8Array {
  const { kernelId } = hashAlgorithm(algorithm);
  const message = form.version === 2 ? APPRAISED_CONTENT : bytes(form.type, kernelId, value);
  const signature = sign(algorithm, message, pair.privateKey);
  return encodeImaLabel({ kind: 'signature', ...form, algorithm, keyId: pair.keyId, signature });
}

/** Every label under every rule, each file accessed some times in an order of its own. */
export function appraisalCases(
  series: KernelSeries,
  labels: ReadonlyMap<string, Uint8Array>,
  { seed, few }: { readonly seed: number; readonly few: boolean },
): AppraisedCase[] {
  const owners = [...new Set(appraisalPolicy(series).map((rule) => Number(/fowner=(\d+)/.exec(rule)?.[1])))];
  const all = owners.flatMap((owner) => [...labels].map(([name, label]) => ({ owner, name, label })));
  const sequence = fc.record({
    accesses: fc.array(fc.constantFrom(...APPRAISED_ACCESSES), { minLength: 3, maxLength: 3 }),
    plain: fc.integer({ min: 0, max: 3 }).map((number) => number > 0),
  });
  const sequences = fc.sample(sequence, { seed, numRuns: all.length });
  const chosen = all.map(({ owner, name, label }, index) => {
    const { accesses = ['read'], plain = true } = sequences[index] ?? {};
    return { index, owner, label, verity: name.startsWith('verity') || (owner === 3005 && !plain), accesses };
  });
  return few ? chosen.filter(({ index }) => index % 6 === 0) : chosen;
}

export function caseLine({ index, owner, label, verity, accesses }: AppraisedCase): string {
  return [index, owner, Buffer.from(label).toString('hex'), verity ? 'verity' : '', accesses.join(',')].join('\t');
}

export function parseCase(line: string): AppraisedCase {
  const [index, owner, label = '', verity, accesses = ''] = line.split('\t');
  const kinds = accesses.split(',').flatMap((name) => APPRAISED_ACCESSES.find((kind) => kind === name) ?? []);
  return {
    index: Number(index),
    owner: Number(owner),
    label: fromHex(label),
    verity: verity === 'verity',
    accesses: kinds,
  };
}
