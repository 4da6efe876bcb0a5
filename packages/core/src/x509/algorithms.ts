import { leftPadded, toHex } from '../bytes/index.ts';
import { DER, DerReader, parseEcdsaSignature, SIGNATURE_OIDS, type PublicKey, type Signature } from '../keys/index.ts';

/** By identifier. SHA-1 and MD5 are left out: collisions of both are made to order. */
const ALGORITHMS = new Map(
  (['rsa', 'ecc'] as const).flatMap((kind) =>
    (['sha256', 'sha384', 'sha512'] as const).map((hash) => [SIGNATURE_OIDS[kind][hash], { kind, hash }] as const),
  ),
);

/**
 * The signature of a certificate as its issuer's key must have made it; undefined where the algorithm is not accepted
 * or is not one of that key.
 * @param algorithm AlgorithmIdentifier in DER
 * @throws FormatError DER-FORM
 */
export function signatureBy(issuer: PublicKey, algorithm: Uint8Array, value: Uint8Array): Signature | undefined {
  const identifier = new DerReader(algorithm, 'signatureAlgorithm').enter(DER.sequence, 'AlgorithmIdentifier');
  const known = ALGORITHMS.get(toHex(identifier.read(DER.oid, 'algorithm')));
  if (known === undefined || known.kind !== issuer.kind) return undefined;
  // RFC 5758 leaves them out for ECDSA; Intel's OnDie root writes them all the same.
  if (known.kind === 'rsa' || identifier.nextTag === DER.null) identifier.read(DER.null, 'parameters');
  identifier.end();
  if (issuer.kind === 'ecc') return parseEcdsaSignature(value, issuer.curve, known.hash);
  return { scheme: 'rsassa', hash: known.hash, value: leftPadded(value, issuer.modulus.length) };
}
