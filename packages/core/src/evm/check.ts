import { concat, equalBytes } from '../bytes/index.ts';
import { FormatError, VerificationError } from '../errors/index.ts';
import type { Hasher, HashName } from '../hash/index.ts';
import {
  LABEL_TYPES,
  verifySignatureLabel,
  type ComputedDigest,
  type HmacLabel,
  type LabelKey,
  type LabelPorts,
  type Parsed,
  type SignatureLabel,
  type VerifiedLabel,
} from '../label/index.ts';
import { metadataInput, type FileMetadata, type MetadataForm } from './metadata.ts';

/** MAX_KEY_SIZE of evm_crypto.c. */
const KEY_SIZE = 128;

/**
 * HMAC-SHA1 of the metadata with the EVM key padded with zeros to 128 bytes, as the kernel uses it.
 *
 * @throws FormatError EVM-METADATA, EVM-KEY
 */
export function evmHmac(
  hasher: Hasher,
  key: Uint8Array,
  metadata: FileMetadata,
  form: Extract<MetadataForm, { form: 'bound' }>,
): Uint8Array {
  if (key.length > KEY_SIZE) throw new FormatError('EVM-KEY', `an EVM key of ${key.length} bytes: at most 128`);
  const padded = concat([key, new Uint8Array(KEY_SIZE - key.length)]);
  return hasher.hmac('sha1', padded, metadataInput(metadata, form));
}

/** What a signature in security.evm is over. @throws FormatError EVM-METADATA; SystemError HASH-UNAVAILABLE */
export function evmDigest(
  hasher: Hasher,
  algorithm: HashName,
  metadata: FileMetadata,
  form: MetadataForm,
): ComputedDigest {
  return { algorithm, value: hasher.digest(algorithm, metadataInput(metadata, form)) };
}

/** Metadata of which the HMAC was checked. Only `verifyEvmHmac` makes one. */
class CheckedMetadata {
  readonly #metadata: FileMetadata;
  readonly label: Parsed<HmacLabel>;

  constructor(metadata: FileMetadata, label: Parsed<HmacLabel>) {
    this.#metadata = metadata;
    this.label = label;
  }

  get metadata(): FileMetadata {
    return this.#metadata;
  }
}

export type VerifiedMetadata = CheckedMetadata;

/** @throws VerificationError EVM-INVALID; FormatError EVM-METADATA, EVM-KEY */
export function verifyEvmHmac(
  label: Parsed<HmacLabel>,
  metadata: FileMetadata,
  form: Extract<MetadataForm, { form: 'bound' }>,
  key: Uint8Array,
  hasher: Hasher,
): VerifiedMetadata {
  if (!equalBytes(label.hmac, evmHmac(hasher, key, metadata, form))) {
    throw new VerificationError('EVM-INVALID', 'the HMAC in security.evm is not that of the metadata under this key');
  }
  return new CheckedMetadata(metadata, label);
}

/**
 * Checks a signature in security.evm: type 5 over the portable form, type 3 over the bound one.
 *
 * @throws VerificationError IMA-SIG-INVALID, IMA-SIG-KEY-UNKNOWN; FormatError EVM-METADATA, DER-FORM
 */
export function verifyEvmSignature(
  label: Parsed<SignatureLabel>,
  metadata: FileMetadata,
  form: Extract<MetadataForm, { form: 'bound' | 'portable' }>,
  key: LabelKey,
  ports: LabelPorts,
): VerifiedLabel<SignatureLabel> {
  if ((label.type === LABEL_TYPES.portable) !== (form.form === 'portable')) {
    throw new VerificationError(
      'IMA-SIG-INVALID',
      `a signature of type ${label.type} is not over the ${form.form} form`,
    );
  }
  return verifySignatureLabel(label, evmDigest(ports.hasher, label.algorithm, metadata, form), key, ports);
}
