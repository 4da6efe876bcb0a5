import { createPublicKey, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';
import {
  certificateSignedBy,
  parsePublicKey,
  type CertificateIssuer,
  type CertificateParameters,
} from '../keys/index.ts';
import { nodeHasher } from './digests.ts';

const SERIAL_SIZE = 16;

/** A P-256 key in the memory of this process. */
export function newSigningKey(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey;
}

/** Who signs certificates: a private key of Node, and its certificate, which a self-signed one has none of. */
export interface NodeIssuer {
  readonly key: KeyObject;
  readonly certificate?: CertificateIssuer['certificate'];
}

/**
 * A certificate with a serial number by chance, signed with SHA-256.
 * @returns DER
 * @throws FormatError KEY-UNKNOWN for a name that is empty or longer than 64 characters
 */
export function certificateBy(
  { key, certificate }: NodeIssuer,
  parameters: Omit<CertificateParameters, 'serial' | 'hash'>,
): Promise<Uint8Array<ArrayBuffer>> {
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' });
  const issuer = { publicKey: parsePublicKey(spki), ...(certificate === undefined ? {} : { certificate }) };
  return certificateSignedBy({ ...parameters, serial: serialNumber(), hash: 'sha256' }, issuer, nodeHasher, (tbs) =>
    Promise.resolve(sign('sha256', tbs, key)),
  );
}

/** Positive and of full length. */
function serialNumber(): Uint8Array {
  const serial = randomBytes(SERIAL_SIZE);
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40;
  return serial;
}
