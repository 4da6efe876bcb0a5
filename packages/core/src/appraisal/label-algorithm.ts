import { isAllZero } from '../bytes/index.ts';
import { hashAlgorithm, HASH_NAMES, type HashName } from '../hash/index.ts';
import { LABEL_TYPES } from '../label/index.ts';
import { hasVersion, type KernelProfile } from '../policy/index.ts';

/** sizeof(struct signature_v2_hdr) */
export const SIGNATURE_HEADER = 9;
const PADDED_MD5 = 21;
const PLAIN_MD5 = 17;
/** hash_info.h before the SHA-3 algorithms came with 6.7 */
const OLD_LAST_ALGORITHM = 19;

type Kernel = Pick<KernelProfile, 'version'>;

/**
 * The algorithm by which the kernel digests a file that has this label (ima_appraise.c, ima_get_hash_algo). It never
 * fails: what cannot be told from the label is digested with `ima_hash`, an unknown number of an algorithm, too.
 * @param label whole value of security.ima; null for none
 */
export function labelAlgorithm(label: Uint8Array | null, imaHash: HashName, kernel: Kernel): HashName {
  if (label === null || label.length < 2) return imaHash;
  const type = label[0] ?? 0;
  switch (type) {
    case LABEL_TYPES.digest:
      return numbered(label[1], kernel) ?? imaHash;
    case LABEL_TYPES.legacyDigest:
      return legacyAlgorithm(label) ?? imaHash;
    case LABEL_TYPES.signature:
      return signatureAlgorithm(label, hasVersion(kernel, '7.1') ? [2, 3] : [2], kernel) ?? imaHash;
    case LABEL_TYPES.verity:
      return (hasVersion(kernel, '5.19') ? signatureAlgorithm(label, [3], kernel) : undefined) ?? imaHash;
    default:
      return imaHash;
  }
}

function signatureAlgorithm(label: Uint8Array, versions: readonly number[], kernel: Kernel): HashName | undefined {
  if (label.length <= SIGNATURE_HEADER || !versions.includes(label[1] ?? 0)) return undefined;
  return numbered(label[2], kernel);
}

/** Labels of MD5 used to be filled up with four zeros to the size of a SHA-1. */
function legacyAlgorithm(label: Uint8Array): HashName | undefined {
  if (label.length === PLAIN_MD5) return 'md5';
  if (label.length !== PADDED_MD5) return undefined;
  return isAllZero(label.subarray(PLAIN_MD5)) ? 'md5' : 'sha1';
}

function numbered(id: number | undefined, kernel: Kernel): HashName | undefined {
  if (id === undefined || (id > OLD_LAST_ALGORITHM && !hasVersion(kernel, '6.7'))) return undefined;
  return HASH_NAMES.find((name) => hashAlgorithm(name).kernelId === id);
}
