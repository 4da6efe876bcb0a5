import { fromBase64, fromHex } from '../bytes/index.ts';
import { AssayError, FormatError } from '../errors/index.ts';
import { keyIdOfPublicKey, parsePublicKey } from '../keys/index.ts';
import { LABEL_TYPES, measuredParts, verifySignatureLabel, type LabelKey, type LabelPorts } from '../label/index.ts';
import type { MeasurementEntry } from '../measurement/index.ts';
import type { SignerKey } from './document.ts';

export type SignerPorts = LabelPorts;

/** Finds who signed a measured file. */
export interface EntrySigners {
  /** The name of the key by which the entry's digest has a good signature. */
  keyOf(entry: Pick<MeasurementEntry, 'fields'>): string | undefined;
}

/** @throws FormatError TEXT-BASE64, DER-FORM, KEY-UNKNOWN */
export function signerKeys(keys: readonly SignerKey[], ports: SignerPorts): EntrySigners {
  const byId = new Map<number, { name: string; key: LabelKey }[]>();
  for (const { name, key: encoded, keyId } of keys) {
    const publicKey = parsePublicKey(fromBase64(encoded));
    const id = keyId === undefined ? keyIdOfPublicKey(ports.hasher, publicKey) : numberOf(keyId);
    byId.set(id, [...(byId.get(id) ?? []), { name, key: { keyId: id, publicKey } }]);
  }
  return {
    keyOf: (entry) => (byId.size === 0 ? undefined : signerOf(entry, byId, ports)),
  };
}

function signerOf(
  { fields }: Pick<MeasurementEntry, 'fields'>,
  byId: ReadonlyMap<number, readonly { name: string; key: LabelKey }[]>,
  ports: SignerPorts,
): string | undefined {
  const { digest } = fields;
  const { signature } = measuredParts(ports.hasher, fields);
  // A portable signature is over metadata, and those of version 1 rest on SHA-1.
  if (digest === undefined || signature?.kind !== 'signature' || signature.type === LABEL_TYPES.portable) {
    return undefined;
  }
  if ((signature.type === LABEL_TYPES.verity) !== (digest.type === 'verity')) return undefined;
  const signer = byId.get(signature.keyId)?.find(({ key }) => {
    try {
      verifySignatureLabel(signature, digest, key, ports);
      return true;
    } catch (error) {
      if (error instanceof AssayError && !(error instanceof FormatError && error.code !== 'DER-FORM')) return false;
      throw error;
    }
  });
  return signer?.name;
}

function numberOf(keyId: string): number {
  return new DataView(fromHex(keyId).buffer).getUint32(0);
}
