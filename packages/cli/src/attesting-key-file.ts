import { fromBase64 } from '@assay/core/bytes';
import { FormatError } from '@assay/core/errors';
import { parsePublicKey } from '@assay/core/keys';
import { nodeHasher } from '@assay/core/node';
import { bareKey, checkAttestationKey, parsePublic, parseSignature, type AttestingKey } from '@assay/core/tpm';
import { boundedContent } from './bounded-file.ts';

const LIMIT = 64 * 1024;
const PEM = /^-----BEGIN PUBLIC KEY-----\r?\n([A-Za-z0-9+/=\r\n]+)-----END PUBLIC KEY-----\s*$/;

/**
 * The key of a file in PEM, or as a TPM gives it (TPM2B_PUBLIC). PEM does not say how the key signs; the signature does.
 * @throws FormatError PEM-FORM and those of its parts; VerificationError AK-ATTRIBUTES
 */
export async function readAttestingKey(path: string, signature: Uint8Array): Promise<AttestingKey> {
  const content = await boundedContent(path, LIMIT);
  const text = content.toString('latin1').trimStart();
  if (!text.startsWith('-----')) return checkAttestationKey(parsePublic(content), nodeHasher);
  const body = PEM.exec(text)?.[1];
  if (body === undefined) {
    throw new FormatError('PEM-FORM', `${path} is no public key in PEM (-----BEGIN PUBLIC KEY-----)`);
  }
  const { scheme, hash } = parseSignature(signature);
  return bareKey(parsePublicKey(fromBase64(body.replaceAll(/\s/g, ''))), { scheme, hash });
}
