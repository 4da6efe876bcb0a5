import type { Hasher, HashName } from '../hash/index.ts';
import { LABEL_TYPES, signLabel, type HmacLabel, type LabelSigner, type SignatureLabel } from '../label/index.ts';
import { evmDigest, evmHmac } from './check.ts';
import type { FileMetadata, MetadataForm } from './metadata.ts';

/** What the kernel would write into security.evm. @throws FormatError EVM-METADATA, EVM-KEY */
export function hmacLabel(
  hasher: Hasher,
  key: Uint8Array,
  metadata: FileMetadata,
  form: Extract<MetadataForm, { form: 'bound' }>,
): HmacLabel {
  return { kind: 'hmac', hmac: evmHmac(hasher, key, metadata, form) };
}

/**
 * Signs metadata for security.evm: type 5 for the portable form, type 3 for the bound one. The immutable form gets type 3
 * and the version 3 that evmctl writes, over the digest itself as in version 2; no kernel checks it, and since 7.1
 * that version means another thing there.
 *
 * @throws FormatError EVM-METADATA; SystemError SIGNER-FAILED, HASH-UNAVAILABLE
 */
export async function signMetadata(
  metadata: FileMetadata,
  form: MetadataForm,
  { algorithm, version }: { readonly algorithm: HashName; readonly version: 2 | 3 },
  signer: LabelSigner,
  hasher: Hasher,
): Promise<SignatureLabel> {
  const digest = evmDigest(hasher, algorithm, metadata, form);
  const type = form.form === 'portable' ? LABEL_TYPES.portable : LABEL_TYPES.signature;
  if (form.form !== 'immutable') return signLabel(digest, { type, version }, signer, hasher);
  return { ...(await signLabel(digest, { type, version: 2 }, signer, hasher)), version: 3 };
}
