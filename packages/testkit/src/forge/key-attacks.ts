import { createPublicKey } from 'node:crypto';
import { concat, utf8 } from '@assay/core/bytes';
import { encodePublic, OBJECT, type EccPublicArea, type PublicArea, type RsaPublicArea } from '@assay/core/tpm';
import { eccKey, forged, rsaKey, type QuoteBundle, type SoftwareKey } from './bundle.ts';
import { attack, HONEST, KEY, TRAILING, withNumber, type QuoteCase } from './honest.ts';

const TPM_ECC_NIST_P192 = 0x0001;
/** Where TPM2B_PUBLIC of the kit's key names its curve. */
const CURVE_AT = 18;

/** Keys whose signature proves nothing. */
export function keyAttacks(): QuoteCase[] {
  const { area } = KEY;
  const attributes: Readonly<Record<string, number>> = {
    'restricted for decryption': (area.attributes & ~OBJECT.SIGN) | OBJECT.DECRYPT,
    'signing and decrypting': area.attributes | OBJECT.DECRYPT,
    'not fixed to the TPM': area.attributes & ~OBJECT.FIXED_TPM,
    'not fixed to its parent': area.attributes & ~OBJECT.FIXED_PARENT,
    'not made in the TPM': area.attributes & ~OBJECT.SENSITIVE_DATA_ORIGIN,
  };
  const rsa = { scheme: 'rsassa', hash: 'sha256' } as const;
  return [
    attack(
      19,
      'a key that is not restricted',
      'AK-ATTRIBUTES',
      withArea({ ...area, attributes: area.attributes & ~OBJECT.RESTRICTED }),
    ),
    ...Object.entries(attributes).map(([name, bits]) =>
      attack(20, `a key that is ${name}`, 'AK-ATTRIBUTES', withArea({ ...area, attributes: bits })),
    ),
    attack(20, 'a key without a scheme', 'AK-ATTRIBUTES', withArea({ ...eccArea(), scheme: null })),
    attack(
      21,
      'a key that signs SHA-1',
      'AK-ATTRIBUTES',
      withArea({ ...eccArea(), scheme: { scheme: 'ecdsa', hash: 'sha1' } }),
    ),
    attack(21, 'a key named by SHA-1', 'AK-ATTRIBUTES', withArea({ ...area, nameAlg: 'sha1' })),
    attack(21, 'a point off its curve', 'AK-ATTRIBUTES', withArea({ ...eccArea(), x: new Uint8Array(32).fill(1) })),
    attack(21, 'an RSA key of 1024 bits', 'AK-ATTRIBUTES', forged(rsaKey(rsa, { modulusLength: 1024 }))),
    attack(21, 'an RSA key with exponent 3', 'AK-ATTRIBUTES', forged(rsaExponent3())),
    attack(21, 'an RSA key with exponent 1', 'AK-ATTRIBUTES', withArea({ ...rsaArea(), exponent: 1 })),
    attack(21, 'an even modulus', 'AK-ATTRIBUTES', withArea(evenModulus())),
    attack(
      21,
      'a key on P-192',
      'TPM-STRUCTURE',
      withPublic((bytes) => withNumber(bytes, CURVE_AT, 2, TPM_ECC_NIST_P192)),
    ),
    attack(
      22,
      'reserved bits in the attributes',
      'TPM-STRUCTURE',
      withPublic((bytes) => withNumber(bytes, 6, 4, 0x80050072)),
    ),
    attack(
      22,
      'bytes after the public area',
      'BYTES-TRAILING',
      withPublic((bytes) => concat([bytes, TRAILING])),
    ),
    attack(22, 'the public area of another key', 'QUOTE-SIGNATURE', withArea(eccKey().area)),
    ...keysWithoutAttributes(),
  ];
}

/** Forms in which other tools keep public keys: nothing in them tells what the key may sign. */
function keysWithoutAttributes(): QuoteCase[] {
  const key = createPublicKey(KEY.privateKey);
  const forms: Readonly<Record<string, Uint8Array>> = {
    PEM: utf8(key.export({ type: 'spki', format: 'pem' }).toString()),
    DER: key.export({ type: 'spki', format: 'der' }),
    JWK: utf8(JSON.stringify(key.export({ format: 'jwk' }))),
  };
  return Object.entries(forms).map(([name, akPublic]) =>
    attack(23, `a key in ${name}, which says nothing of its attributes`, 'unreadable', { ...HONEST, akPublic }),
  );
}

function eccArea(): EccPublicArea {
  const { area } = KEY;
  if (area.type !== 'ecc') throw new TypeError('the key of the kit is an ECC key');
  return area;
}

function rsaArea(): RsaPublicArea {
  return rsaKey({ scheme: 'rsassa', hash: 'sha256' }).area;
}

function evenModulus(): RsaPublicArea {
  const area = rsaArea();
  return { ...area, modulus: area.modulus.with(area.modulus.length - 1, 0x10) };
}

function rsaExponent3(): SoftwareKey {
  return rsaKey({ scheme: 'rsassa', hash: 'sha256' }, { publicExponent: 3 });
}

function withArea(area: PublicArea): QuoteBundle {
  return { ...HONEST, akPublic: encodePublic(area) };
}

function withPublic(change: (bytes: Uint8Array) => Uint8Array): QuoteBundle {
  return { ...HONEST, akPublic: change(HONEST.akPublic) };
}
