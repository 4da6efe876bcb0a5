import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { labelKey } from '../label-key.ts';

/** A key that is added to a keyring of its own. */
export interface AddedKey {
  /** Before the policy is loaded: the kernel keeps it until then. */
  readonly isEarly: boolean;
  readonly uid: number;
  readonly gid: number;
  readonly keyring: string;
  /** Only asymmetric keys are measured. */
  readonly type: 'asymmetric' | 'user';
  /** Name of the file with the certificate. */
  readonly certificate: string;
}

/** Rules of each boot. */
export const KEY_POLICIES: readonly (readonly string[])[] = [
  ['measure func=KEY_CHECK'],
  [
    'measure func=KEY_CHECK keyrings=_ima|a pcr=11',
    'measure func=KEY_CHECK keyrings=_evm uid=1000 template=ima-buf',
    'measure func=KEY_CHECK keyrings=custom gid=5 pcr=0',
  ],
  [
    'dont_measure func=KEY_CHECK keyrings=_ima|.builtin_trusted_keys',
    'measure func=KEY_CHECK keyrings=_evm|_ima uid>0',
    'measure func=KEY_CHECK uid=0 pcr=12',
  ],
];

const KEYRINGS = ['_ima', '_evm', 'custom', 'a', 'ab', 'with blank', 'Ring', 'große', '_ima2', '%s', 'x'.repeat(90)];

const KEYS = {
  rsa: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  other: () => generateKeyPairSync('rsa', { modulusLength: 3072 }),
  p256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  p384: () => generateKeyPairSync('ec', { namedCurve: 'P-384' }),
} as const;

/** Certificates that are made for this run, by file name. Debian's small 6.1 does not take ECDSA keys. */
export function keyCertificates(): Map<string, Uint8Array> {
  return new Map(Object.entries(KEYS).map(([name, make]) => [`${name}.der`, labelKey(make(), name).certificate]));
}

const addedKey: fc.Arbitrary<AddedKey> = fc.record({
  isEarly: fc.integer({ min: 0, max: 5 }).map((number) => number === 0),
  uid: fc.constantFrom(0, 0, 1000, 1001),
  gid: fc.constantFrom(0, 5, 1000),
  keyring: fc.constantFrom(...KEYRINGS),
  type: fc.constantFrom('asymmetric', 'asymmetric', 'asymmetric', 'asymmetric', 'user'),
  certificate: fc.constantFrom(...Object.keys(KEYS).map((name) => `${name}.der`)),
});

/** In the order in which they are added. */
export function addedKeys(seed: number, count: number): AddedKey[] {
  return fc.sample(addedKey, { seed, numRuns: count }).toSorted((one, other) => order(one) - order(other));
}

function order({ isEarly }: AddedKey): number {
  return isEarly ? 0 : 1;
}

export function keyLine({ isEarly, uid, gid, keyring, type, certificate }: AddedKey): string {
  return [isEarly ? 'early' : 'late', uid, gid, keyring, type, certificate].join('\t');
}

export function parseKey(line: string): AddedKey {
  const [when, uid, gid, keyring = '', type, certificate = ''] = line.split('\t');
  return {
    isEarly: when === 'early',
    uid: Number(uid),
    gid: Number(gid),
    keyring,
    type: type === 'user' ? 'user' : 'asymmetric',
    certificate,
  };
}
