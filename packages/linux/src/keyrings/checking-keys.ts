import { readFileSync } from 'node:fs';
import { SystemError } from '@assay/core/errors';
import { keysIn, verifyByKey } from './keyctl.ts';
import { labelKeyrings, type LabelKeyring } from './keyrings.ts';
import { keyIdInDescription, parseProcKeys, type ListedKey } from './proc-keys.ts';

/** A public key in a keyring of the kernel, which checks signatures and hands nothing out. Data that threads can share. */
export interface CheckingKey {
  readonly serial: number;
  /** By which labels name it. */
  readonly keyId: number;
  readonly kind: 'rsa' | 'ecc';
}

/** Keyrings link to keyrings: `.secondary_trusted_keys` to `.machine` and `.builtin_trusted_keys`. */
const DEEPEST = 4;

/**
 * The keys of a keyring by which labels can be checked, those of keyrings in it included.
 * @throws SystemError KEYRING-REFUSED where there is no such keyring, or this process may not read it; FormatError KEYRING-LINE
 */
export function checkingKeys(name: LabelKeyring): CheckingKey[] {
  const keyring = labelKeyrings().find((each) => each.name === name);
  if (keyring?.keys === undefined) {
    throw new SystemError('KEYRING-REFUSED', `${name}: there is no such keyring that this process may read`);
  }
  const listed = new Map(parseProcKeys(readFileSync('/proc/keys', 'utf8')).map((key) => [key.id, key]));
  return [...keysBelow(keyring.serial, listed, DEEPEST)].flatMap((key) => checkingKey(key) ?? []);
}

function* keysBelow(keyring: number, listed: ReadonlyMap<number, ListedKey>, depth: number): Generator<ListedKey> {
  for (const serial of keysIn(keyring) ?? []) {
    const key = listed.get(serial);
    if (key?.type === 'keyring' && depth > 0) yield* keysBelow(serial, listed, depth - 1);
    else if (key !== undefined) yield key;
  }
}

function checkingKey(key: ListedKey): CheckingKey | undefined {
  const keyId = keyIdInDescription(key);
  const kind = /: X509\.(rsa|ec)/.exec(key.description)?.[1];
  if (keyId === undefined || kind === undefined) return undefined;
  return { serial: key.id, keyId: Number.parseInt(keyId, 16), kind: kind === 'rsa' ? 'rsa' : 'ecc' };
}

/**
 * Lets the kernel check a signature over a digest: of RSA PKCS#1 v1.5, of ECDSA in DER.
 * @returns false for one that is not good, and where the key was revoked or has expired
 * @throws SystemError KERNEL-LACKS
 */
export function verifiesByKeyring(
  { serial, kind }: CheckingKey,
  hash: string,
  digest: Uint8Array,
  signature: Uint8Array,
): boolean {
  return verifyByKey(serial, { encoding: kind === 'rsa' ? 'pkcs1' : 'x962', hash }, digest, signature);
}
