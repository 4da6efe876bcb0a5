import { FormatError, VerificationError } from '../errors/index.ts';
import {
  parseImaLabel,
  verifySignatureLabel,
  verifySignatureV1Label,
  type ComputedDigest,
  type LabelKey,
  type LabelPorts,
} from '../label/index.ts';
import type { SignatureVerdict } from './status.ts';

/**
 * What a kernel with these keys says of a signature in security.ima (digsig.c, integrity_digsig_verify): the keys of `.ima`,
 * and for KEXEC_KERNEL_CHECK those of `.platform`, too.
 *
 * @param label whole value of type 3 or 6
 * @param digest what was collected of the file
 * @throws SystemError HASH-UNAVAILABLE where the algorithm of a signature of version 3 cannot be computed here
 */
export function imaSignatureVerdict(
  label: Uint8Array,
  digest: ComputedDigest,
  keys: readonly LabelKey[],
  ports: LabelPorts,
): SignatureVerdict {
  return signatureVerdict(label, () => checkLabel(label, digest, keys, ports));
}

/** The verdict of a check that throws for all but a good signature. */
export function signatureVerdict(label: Uint8Array, check: () => SignatureVerdict): SignatureVerdict {
  if (label.length < 2) return 'invalid';
  if (!KNOWN_VERSIONS.includes(label[1] ?? 0)) return 'unsupported';
  try {
    return check();
  } catch (error) {
    if (error instanceof VerificationError || error instanceof FormatError) return 'invalid';
    throw error;
  }
}

const KNOWN_VERSIONS: readonly number[] = [1, 2, 3];

function checkLabel(
  raw: Uint8Array,
  digest: ComputedDigest,
  keys: readonly LabelKey[],
  ports: LabelPorts,
): SignatureVerdict {
  const label = parseImaLabel(raw);
  if (label.kind === 'digest') return 'invalid';
  if (label.kind === 'signature') {
    const key = keys.find(({ keyId }) => keyId === label.keyId);
    if (key === undefined) return 'unknown-key';
    verifySignatureLabel(label, digest, key, ports);
    return 'valid';
  }
  for (const { publicKey } of keys) {
    if (publicKey.kind !== 'rsa') continue;
    try {
      verifySignatureV1Label(label, digest, publicKey, ports);
      return 'valid';
    } catch (error) {
      const isOther = error instanceof VerificationError && error.code === 'IMA-SIG-KEY-UNKNOWN';
      if (!isOther) throw error;
    }
  }
  return 'unknown-key';
}
