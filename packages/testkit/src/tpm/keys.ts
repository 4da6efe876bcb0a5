import { createECDH, createPrivateKey, sign, type ECDH } from 'node:crypto';
import { concat, toHex } from '@assay/core/bytes';
import type { HashName } from '@assay/core/hash';
import { nodeHasher } from '@assay/core/node';
import {
  encodePublic,
  kdfA,
  parsePublic,
  publicName,
  qualifiedName,
  qualifiedNameOfPrimary,
  TPM_HANDLE,
  type EccPublicArea,
  type ParsedPublic,
} from '@assay/core/tpm';

/** A loaded key: ECC P-256 is all that this TPM has. */
export interface TpmKey {
  readonly area: ParsedPublic;
  readonly name: Uint8Array;
  readonly qualifiedName: Uint8Array;
  /** 32 bytes. */
  readonly scalar: Uint8Array;
}

/** Order of the group of P-256 (FIPS 186-4, D.1.2.3). */
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const NONE = new Uint8Array(0);

/** The same seed and template give the same key (TPM 2.0 Part 1, clause 27.5). */
export function primaryKey(seed: Uint8Array, template: EccPublicArea, templateBytes: Uint8Array): TpmKey {
  const material = kdfA(nodeHasher, 'sha256', seed, 'PRIMARY', nodeHasher.digest('sha256', templateBytes), NONE, 384);
  const scalar = (BigInt(`0x${toHex(material)}`) % (ORDER - 1n)) + 1n;
  const ecdh = createECDH('prime256v1');
  ecdh.setPrivateKey(Buffer.from(scalar.toString(16).padStart(64, '0'), 'hex'));
  const area = areaOf(template, ecdh);
  const name = publicName(nodeHasher, area);
  const under = qualifiedNameOfPrimary(nodeHasher, area.nameAlg, TPM_HANDLE.ENDORSEMENT, name);
  return { area, name, qualifiedName: under, scalar: scalarOf(ecdh) };
}

/** A key that nothing determines but chance. */
export function freshKey(template: EccPublicArea): { area: ParsedPublic; scalar: Uint8Array } {
  const ecdh = createECDH('prime256v1');
  ecdh.generateKeys();
  return { area: areaOf(template, ecdh), scalar: scalarOf(ecdh) };
}

export function childKey(parent: TpmKey, area: ParsedPublic, scalar: Uint8Array): TpmKey {
  const name = publicName(nodeHasher, area);
  return { area, name, qualifiedName: qualifiedName(nodeHasher, area.nameAlg, parent.qualifiedName, name), scalar };
}

export function signEcdsa(key: TpmKey, hash: HashName, message: Uint8Array): { r: Uint8Array; s: Uint8Array } {
  const { area } = key;
  if (area.type !== 'ecc') throw new Error('only ECC keys exist here');
  const b64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');
  const jwk = { kty: 'EC', crv: 'P-256', x: b64url(area.x), y: b64url(area.y), d: b64url(key.scalar) };
  const both = sign(hash, message, { key: createPrivateKey({ format: 'jwk', key: jwk }), dsaEncoding: 'ieee-p1363' });
  return { r: both.subarray(0, 32), s: both.subarray(32) };
}

/** x-coordinate that the key shares with a point. @throws Error from OpenSSL where it is on no curve */
export function sharedSecret(key: TpmKey, x: Uint8Array, y: Uint8Array): Uint8Array {
  const ecdh = createECDH('prime256v1');
  ecdh.setPrivateKey(key.scalar);
  return ecdh.computeSecret(concat([Uint8Array.of(4), x, y]));
}

function areaOf(template: EccPublicArea, ecdh: ECDH): ParsedPublic {
  const point = ecdh.getPublicKey().subarray(1);
  return parsePublic(encodePublic({ ...template, x: point.subarray(0, 32), y: point.subarray(32) }));
}

/** OpenSSL leaves out leading zeros. */
function scalarOf(ecdh: ECDH): Uint8Array {
  return Buffer.from(ecdh.getPrivateKey('hex').padStart(64, '0'), 'hex');
}
