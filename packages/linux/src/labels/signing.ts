import { SystemError } from '@assay/core/errors';
import { parseEcdsaSignature, type PublicKey } from '@assay/core/keys';
import type { LabelSigner } from '@assay/core/label';
import { nodeDigestSignatures } from '@assay/core/node';
import type { HashName } from '@assay/core/hash';
import { openSigner } from '../signers/index.ts';
import type { SigningKey } from './job.ts';

export type OpenedSigner = LabelSigner;

/**
 * Opens a signing key in this thread. What a program or token signs is checked before it becomes a label, as far as the
 * public key is known.
 * @throws FormatError KEY-PRIVATE, KEY-UNKNOWN; SystemError SIGNER-FAILED
 */
export function openLabelSigner({ source, keyId, publicKey }: SigningKey): OpenedSigner {
  const signer = openSigner(source);
  if (source.kind === 'pem' || publicKey === undefined) return { ...signer, keyId };
  return {
    keyId,
    async sign(hash, digest) {
      const signature = await signer.sign(hash, digest);
      if (verifies(publicKey, hash, digest, signature)) return signature;
      throw new SystemError('SIGNER-FAILED', 'the signer made a signature that is not by the key of the certificate');
    },
  };
}

function verifies(key: PublicKey, hash: HashName, digest: Uint8Array, signature: Uint8Array): boolean {
  if (key.kind === 'rsa') {
    return nodeDigestSignatures.verifyDigest(key, { scheme: 'rsassa', hash, value: signature }, digest);
  }
  return nodeDigestSignatures.verifyDigest(key, parseEcdsaSignature(signature, key.curve, hash), digest);
}
