import { createPublicKey } from 'node:crypto';
import { toHex } from '@assay/core/bytes';
import { FormatError, VerificationError } from '@assay/core/errors';
import { parsePublicKey, type RsaPublicKey } from '@assay/core/keys';
import {
  signedDigest,
  verifySignatureLabel,
  verifySignatureV1Label,
  version1Payload,
  type ComputedDigest,
  type Parsed,
  type SignatureLabel,
  type SignatureV1Label,
} from '@assay/core/label';
import { nodeCrypto, nodeHasher } from '@assay/core/node';
import { opensslVerifies } from '@assay/linux/signers';
import type { PublicKeys } from './public-keys.ts';
import { Failure, type Run } from './run.ts';

const DEFAULT_PUBLIC_KEY = '/etc/keys/pubkey_evm.pem';

/** What is verified: a label, the digest that it must be over, and the name of the file for messages. */
export interface Signed<Label extends SignatureLabel | SignatureV1Label> {
  readonly label: Parsed<Label>;
  readonly digest: ComputedDigest;
  readonly name: string;
}

/** Checks a signature by the keys of the options. @throws Failure */
export async function verifySigned(
  run: Run,
  keys: PublicKeys | undefined,
  { label, digest, name }: Signed<SignatureLabel | SignatureV1Label>,
): Promise<void> {
  if (label.kind === 'signature-v1') {
    verifyVersion1(run, { label, digest, name });
    return;
  }
  const { algorithm, signature } = label;
  const signed = signedDigest(label, digest.value, nodeHasher);
  run.detail(`hash(${algorithm}): ${toHex(signed)}`);
  const key = keys?.find(label.keyId);
  if (key === undefined) {
    run.detail(`${name}: verification failed: unknown keyid ${label.keyId.toString(16)}`);
    throw new Failure('');
  }
  const { keyId, path, publicKey } = key;
  if (publicKey !== undefined) {
    verified(name, () => verifySignatureLabel(label, digest, { keyId, publicKey }, nodeCrypto));
  } else if (!(await opensslVerifies(path, algorithm, { digest: signed, signature }, run.settings.module))) {
    throw badSignature(name);
  }
}

function verifyVersion1(run: Run, { label, digest, name }: Signed<SignatureV1Label>): void {
  run.say(`hash-v1: ${toHex(digest.value)}`);
  const key = version1Key(run, run.settings.key ?? DEFAULT_PUBLIC_KEY);
  run.say(`sighash: ${toHex(version1Payload(label, digest.value, nodeHasher))}`);
  verified(name, () => verifySignatureV1Label(label, digest, key, nodeCrypto));
}

function verified(name: string, check: () => void): void {
  try {
    check();
  } catch (error) {
    if (error instanceof VerificationError) throw badSignature(name);
    if (error instanceof FormatError) {
      throw new Failure(`${name}: verification failed: -1 (${error.message}) in EVP_PKEY_verify`);
    }
    throw error;
  }
}

function badSignature(name: string): Failure {
  return new Failure(`${name}: verification failed: 0 (bad signature)`, 1);
}

/** An RSA public key in PEM. @throws Failure */
export function version1Key(run: Run, path: string): RsaPublicKey {
  const pem = run.content(path);
  if (pem === undefined) {
    run.detail(`Failed to open keyfile: ${path}`);
    throw new Failure('', 1);
  }
  const key = publicKeyIn(pem, path);
  if (key.kind !== 'rsa') throw new Failure('read_pub_key: unsupported key type', 1);
  return key;
}

function publicKeyIn(pem: Buffer, path: string): ReturnType<typeof parsePublicKey> {
  try {
    if (!pem.includes('-----BEGIN PUBLIC KEY-----')) throw new FormatError('KEY-UNKNOWN', 'it holds no public key');
    return parsePublicKey(createPublicKey(pem).export({ format: 'der', type: 'spki' }));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Failure(`Failed to PEM_read_PUBKEY key file: ${path}\n${reason}`, 1);
  }
}
