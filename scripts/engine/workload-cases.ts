import { generateKeyPairSync, sign } from 'node:crypto';
import fc from 'fast-check';
import { concat, toHex, utf8 } from '@assay/core/bytes';
import type { HashName } from '@assay/core/hash';
import { digestLabel, encodeImaLabel } from '@assay/core/label';
import { nodeHasher } from '@assay/core/node';
import type { KernelSeries } from '@assay/testkit/lab';
import { labelKey, tinyProgram, type Cases, type Files, type SigningLabelKey } from '@assay/testkit/suites';

/** Functions that the engine sees as the kernel does, in all that matters here. */
const POLICY: readonly string[] = [
  'appraise func=FILE_CHECK fowner=6000',
  'measure func=FILE_CHECK mask=^MAY_READ fowner=6000 template=ima-sig',
  'appraise func=BPRM_CHECK fowner=6001 appraise_type=imasig',
  'appraise func=FILE_CHECK mask=MAY_READ fowner=6001',
  'measure func=BPRM_CHECK fowner=6001 pcr=11 template=ima-ng',
  'measure func=FILE_CHECK mask=^MAY_READ fowner=6002 template=ima-ngv2',
  'measure func=FILE_CHECK mask=^MAY_READ fowner=6003 pcr=12 template=ima-sigv2',
  'appraise func=FILE_CHECK mask=^MAY_WRITE fowner=6004',
  'measure func=FILE_CHECK mask=^MAY_WRITE fowner=6004 template=ima',
  'dont_measure func=FILE_CHECK mask=MAY_READ fowner=6005',
  'measure func=FILE_CHECK fowner=6005',
  'appraise func=FILE_CHECK fowner=6005 appraise_type=imasig',
  'measure func=CREDS_CHECK fowner=6006 template=ima-sig',
  'appraise func=BPRM_CHECK fowner=6006',
  'appraise func=FILE_CHECK fowner=6007 appraise_algos=sha224,sha256',
];

const OWNERS = [6000, 6001, 6002, 6003, 6004, 6005, 6006, 6007];
const LABELS = [
  'none',
  'sha1',
  'sha224',
  'sha256',
  'sha256',
  'sha256',
  'sha384',
  'sha512',
  'wrong',
  'rsa',
  'rsa',
  'p256',
  'flipped',
] as const;

/**
 * What changes a file's metadata comes first, or after somebody has read it: the engine labels what was written soon after it
 * was closed, and lets nobody read it meanwhile; the kernel before.
 */
const METADATA = ['chmod', 'unlabel', 'relabel', 'read', 'exec', 'immutable'];
const ACCESSES = [
  'read',
  'read',
  'exec',
  'touch',
  'append',
  'change',
  'rewrite',
  'read-writing',
  'write-reading',
  'create',
  'replace',
  'link',
  'immutable',
];
/** Of what is refused at once. */
const REFUSED = ['read', 'exec', 'touch', 'append', 'read-writing', 'write-reading'];

/** Its label is by an algorithm that the rules do not allow. */
export function isStrict(owner: number, label: string): boolean {
  return owner === 6007 && /^(01|0405|0406)/.test(label);
}

/** A file that anything but its content is changed of counts as changed, so that what any use of it demanded is demanded then. */
const AS_CHANGES = ['link', 'immutable'];

const file = fc.record({
  owner: fc.constantFrom(...OWNERS),
  label: fc.constantFrom(...LABELS),
  before: fc.array(fc.constantFrom(...METADATA), { maxLength: 2 }),
  after: fc.array(fc.constantFrom(...ACCESSES), { minLength: 3, maxLength: 5 }),
  later: fc.option(
    fc.record({
      change: fc.constantFrom('chmod', 'unlabel', 'relabel', 'relabel'),
      steps: fc.array(fc.constantFrom(...ACCESSES), { minLength: 1, maxLength: 3 }),
    }),
    { nil: undefined },
  ),
  refused: fc.array(fc.constantFrom(...REFUSED), { minLength: 3, maxLength: 5 }),
});

/** Files with labels by keys that are made for this run, and steps that each file is taken through. */
export function workloadFiles({ kernel, seed }: Cases, count: number): Files {
  const rsa = labelKey(generateKeyPairSync('rsa', { modulusLength: 2048 }), 'rsa');
  const p256 = labelKey(generateKeyPairSync('ec', { namedCurve: 'P-256' }), 'p256');
  const lines = fc
    .sample(file, { seed, numRuns: count })
    .map(({ owner, label, before, after, later, refused }, index) => {
      const content = concat([tinyProgram(), utf8(`${index}`)]);
      const value = toHex(labelOf(label, content, { rsa, p256 }));
      const more = later === undefined ? [] : ['read', later.change, ...later.steps];
      const steps = isStrict(owner, value)
        ? refused
        : [...before, ...after, ...more].filter((step) => owner !== 6001 || !AS_CHANGES.includes(step));
      return [index, owner, toHex(content), value, steps.join()].join('\t');
    });
  return new Map([
    ['policy', text(POLICY)],
    ['files', text(lines)],
    ['rsa.der', rsa.certificate],
    ...withEllipticCurves(kernel, p256),
  ]);
}

/** Debian's small 6.1 does not take ECDSA keys; there it is a key that nobody knows. */
function withEllipticCurves(series: KernelSeries, { certificate }: SigningLabelKey): [string, Uint8Array][] {
  return series === '6.1' ? [] : [['p256.der', certificate]];
}

function text(lines: readonly string[]): Uint8Array {
  return utf8(lines.map((line) => `${line}\n`).join(''));
}

interface Keys {
  readonly rsa: SigningLabelKey;
  readonly p256: SigningLabelKey;
}

function labelOf(name: (typeof LABELS)[number], content: Uint8Array, { rsa, p256 }: Keys): Uint8Array {
  switch (name) {
    case 'none':
      return new Uint8Array();
    case 'wrong':
      return hashed('sha256', utf8('other'));
    case 'rsa':
      return signed(rsa, content);
    case 'p256':
      return signed(p256, content);
    case 'flipped': {
      const good = signed(rsa, content);
      return good.with(good.length - 1, (good.at(-1) ?? 0) ^ 1);
    }
    case 'sha1':
    case 'sha224':
    case 'sha256':
    case 'sha384':
    case 'sha512':
      return hashed(name, content);
  }
}

function hashed(algorithm: HashName, content: Uint8Array): Uint8Array {
  return encodeImaLabel(digestLabel(algorithm, nodeHasher.digest(algorithm, content)));
}

function signed({ keyId, privateKey }: SigningLabelKey, content: Uint8Array): Uint8Array {
  const signature = sign('sha256', content, privateKey);
  return encodeImaLabel({ kind: 'signature', type: 3, version: 2, algorithm: 'sha256', keyId, signature });
}
