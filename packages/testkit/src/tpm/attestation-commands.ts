import { ByteReader, equalBytes, leftPadded } from '@assay/core/bytes';
import { nodeHasher } from '@assay/core/node';
import {
  activateCredential,
  credentialKeys,
  eccPoint,
  eccSeed,
  encodeAttest,
  encodeSignature,
  OBJECT,
  publicKeyOf,
  quote,
  sized,
  TPM_GENERATED,
  TPM_ST,
  type SigningScheme,
} from '@assay/core/tpm';
import { handler, type Handler } from './handler.ts';
import { sharedSecret, signEcdsa, type TpmKey } from './keys.ts';
import { keyAt } from './object-commands.ts';
import { cfbDecrypt } from './private-blob.ts';
import { aboutHandle, aboutParameter, RC, readingParameter } from './refusal.ts';

const DIGEST_SIZE = 32;
const COORDINATE = 32;

/** The key's own scheme, or for a key without one the caller's. @throws Refusal SCHEME */
function schemeOf(key: TpmKey, asked: SigningScheme | null): SigningScheme {
  const own = key.area.type === 'keyedhash' ? null : key.area.scheme;
  if (own !== null && asked !== null && (own.scheme !== asked.scheme || own.hash !== asked.hash)) {
    throw aboutParameter(RC.SCHEME, 1);
  }
  const scheme = own ?? asked;
  if (scheme === null || scheme.scheme !== 'ecdsa') throw aboutParameter(RC.SCHEME, 1);
  return scheme;
}

/** The seed of a credential (TPM 2.0 Part 1, annex C.6.1). @throws Refusal SIZE, ECC_POINT */
function seedFor(ek: TpmKey, secret: Uint8Array): Uint8Array {
  const point = readingParameter(1, () => {
    const outer = new ByteReader(secret, 'TPM2B_ENCRYPTED_SECRET');
    const reader = new ByteReader(sized(512).read(outer, 'secret'), 'TPMS_ECC_POINT');
    const read = eccPoint.read(reader, 'point');
    reader.end();
    return read;
  });
  if (point.x.length > COORDINATE || point.y.length > COORDINATE) throw aboutParameter(RC.ECC_POINT, 1);
  const x = leftPadded(point.x, COORDINATE);
  const y = leftPadded(point.y, COORDINATE);
  const own = publicKeyOf(ek.area);
  if (own.kind !== 'ecc') throw aboutHandle(RC.TYPE, 1);
  try {
    const ephemeral = { kind: 'ecc', curve: 'p256', x, y } as const;
    return eccSeed(nodeHasher, 'sha256', sharedSecret(ek, x, y), { ephemeral, key: own, label: 'IDENTITY' });
  } catch {
    throw aboutParameter(RC.ECC_POINT, 1); // OpenSSL refuses it.
  }
}

/** The credential, if it was made for the name of this key. @throws Refusal SIZE, INTEGRITY */
function openCredential(seed: Uint8Array, akName: Uint8Array, blob: Uint8Array): Uint8Array {
  const { integrity, identity } = readingParameter(0, () => {
    const outer = new ByteReader(blob, 'TPM2B_ID_OBJECT');
    const reader = new ByteReader(sized(132).read(outer, 'credential'), 'TPMS_ID_OBJECT');
    const mac = sized(64).read(reader, 'integrityHMAC');
    return { integrity: mac, identity: reader.take(reader.remaining, 'encIdentity') };
  });
  const keys = credentialKeys(nodeHasher, 'sha256', seed, akName, 128);
  if (!equalBytes(nodeHasher.hmac('sha256', keys.mac, identity, akName), integrity)) {
    throw aboutParameter(RC.INTEGRITY, 0);
  }
  return readingParameter(0, () => {
    const reader = new ByteReader(cfbDecrypt(keys.symmetric, identity), 'credential');
    const secret = sized(DIGEST_SIZE).read(reader, 'secret');
    reader.end();
    return secret;
  });
}

export const attestationCommands: readonly Handler[] = [
  handler(quote, ['object'], (machine, input) => {
    const key = keyAt(machine, input.signHandle, 0);
    if ((key.area.attributes & OBJECT.SIGN) === 0) throw aboutHandle(RC.KEY, 0);
    const { hash } = schemeOf(key, input.inScheme);
    const selection = machine.pcrs.existing(input.selection);
    const quoted = encodeAttest({
      magic: TPM_GENERATED,
      type: TPM_ST.ATTEST_QUOTE,
      qualifiedSigner: key.qualifiedName,
      extraData: input.qualifyingData,
      ...machine.clockInfo,
      firmwareVersion: machine.firmwareVersion,
      attested: { kind: 'quote', selection, pcrDigest: machine.pcrs.composite(hash, selection) },
    });
    return { quoted, signature: encodeSignature({ scheme: 'ecdsa', hash, ...signEcdsa(key, hash, quoted) }) };
  }),
  handler(activateCredential, ['object', 'object'], (machine, input) => {
    const ak = keyAt(machine, input.activateHandle, 0);
    const ek = keyAt(machine, input.keyHandle, 1);
    const needed = OBJECT.RESTRICTED | OBJECT.DECRYPT;
    if ((ek.area.attributes & needed) !== needed) throw aboutHandle(RC.TYPE, 1);
    return { certInfo: openCredential(seedFor(ek, input.secret), ak.name, input.credentialBlob) };
  }),
];
