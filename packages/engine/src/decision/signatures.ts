import { imaSignatureVerdict, type SignatureVerdict } from '@assay/core/appraisal';
import { VerificationError } from '@assay/core/errors';
import { hashAlgorithm } from '@assay/core/hash';
import { parseImaLabel, signedDigest, verifyModsig, type ComputedDigest, type LabelKey } from '@assay/core/label';
import { nodeCrypto, nodeHasher } from '@assay/core/node';
import { verifiesByKeyring, type CheckingKey } from '@assay/linux/keyrings';
import type { OpenedModsig } from './contract.ts';
import type { DeciderSetup } from './setup.ts';

/** What the keys given to the engine say of a signature in security.ima, those in keyrings of the kernel last. */
export function contentVerdict(
  label: Uint8Array,
  digest: ComputedDigest,
  { keys, kernelKeys = [] }: Pick<DeciderSetup, 'keys' | 'kernelKeys'>,
): SignatureVerdict {
  const verdict = imaSignatureVerdict(label, digest, keys, nodeCrypto);
  return verdict === 'unknown-key' ? kernelVerdict(label, digest, kernelKeys) : verdict;
}

/** integrity/digsig_asymmetric.c, asymmetric_verify; only signatures of versions 2 and 3 name a key of these keyrings. */
function kernelVerdict(raw: Uint8Array, digest: ComputedDigest, kernelKeys: readonly CheckingKey[]): SignatureVerdict {
  const label = parseImaLabel(raw);
  const key = label.kind === 'signature' ? kernelKeys.find(({ keyId }) => keyId === label.keyId) : undefined;
  if (label.kind !== 'signature' || key === undefined) return 'unknown-key';
  const { algorithm, signature } = label;
  if (digest.algorithm !== algorithm || digest.value.length !== hashAlgorithm(algorithm).size) return 'invalid';
  const signed = signedDigest(label, digest.value, nodeHasher);
  return verifiesByKeyring(key, algorithm, signed, signature) ? 'valid' : 'invalid';
}

/** What they say of an appended signature, which names its certificate (ima_modsig.c, ima_modsig_verify). */
export function modsigVerdict({ signed, digest }: OpenedModsig, keys: readonly LabelKey[]): SignatureVerdict {
  const certificates = keys.flatMap(({ certificate }) => certificate ?? []);
  try {
    verifyModsig(signed, digest, certificates, nodeCrypto);
    return 'valid';
  } catch (error) {
    if (!(error instanceof VerificationError)) throw error;
    return error.code === 'IMA-SIG-KEY-UNKNOWN' ? 'unknown-key' : 'invalid';
  }
}
