import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, test } from 'node:test';
import { VerificationError } from '@assay/core/errors';
import { manufacturerName, tpmIdentity, verifyEkCertificate, type EkCertificateInput } from '@assay/core/evidence';
import { parseCertificate, type ParsedCertificate } from '@assay/core/keys';
import { nodeSignatures } from '@assay/core/node';
import {
  checkEndorsementKey,
  EK_ECC_P256,
  encodePublic,
  parsePublic,
  type VerifiedEndorsementKey,
} from '@assay/core/tpm';
import {
  alternativeName,
  AUTHORITY,
  distinguishedName,
  extendedKeyUsage,
  mintAuthority,
  mintCertificate,
  type CertificateOptions,
} from '@assay/testkit/certificates';

const EK_USE = '6781050801';
const AK_USE = '6781050803';
const NOW = Date.UTC(2026, 0, 1);
const TPM = distinguishedName(['6781050201', 'id:49465800'], ['6781050202', 'SLB9672'], ['6781050203', 'id:0010']);

const root = mintAuthority('Maker');
const middle = mintAuthority('Factory', root);
const mine = endorsementKey();

/** A key of the EK template, as a TPM would hold it. */
function endorsementKey(): { ek: VerifiedEndorsementKey; key: KeyObject } {
  const { publicKey, privateKey: key } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
  const area = { ...EK_ECC_P256, x: Buffer.from(x, 'base64url'), y: Buffer.from(y, 'base64url') };
  return { ek: checkEndorsementKey(parsePublic(encodePublic(area))), key };
}

/** Certificates of this kind have an empty subject: their name is the alternative one. */
function certificateOf(key: KeyObject, options: Partial<CertificateOptions> = {}): ParsedCertificate {
  const extensions = [alternativeName(TPM), extendedKeyUsage(EK_USE)];
  return parseCertificate(mintCertificate({ key, issuer: middle, extensions, ...options }));
}

function input(change: Partial<EkCertificateInput> = {}): EkCertificateInput {
  const certificate = certificateOf(mine.key);
  const [sent, anchors] = [[middle.certificate], [root.certificate]];
  return { certificate, sent, known: [], anchors, ek: mine.ek, now: NOW, ...change };
}

function assertRefused(change: Partial<EkCertificateInput>, code: VerificationError['code']): void {
  assert.throws(
    () => verifyEkCertificate(input(change), nodeSignatures),
    (error) => error instanceof VerificationError && error.code === code,
  );
}

describe('verifyEkCertificate', () => {
  test('accepts the certificate of the key in use, and tells the TPM of it', () => {
    const verified = verifyEkCertificate(input(), nodeSignatures);
    assert.deepEqual(verified.tpm, { manufacturer: 'id:49465800', model: 'SLB9672', version: 'id:0010' });
    assert.equal(verified.path.length, 3);
    assert.equal(verified.ek, mine.ek);
  });

  test('accepts a path by authorities at hand where the host sends none', () => {
    assert.equal(verifyEkCertificate(input({ sent: [], known: [middle.certificate] }), nodeSignatures).path.length, 3);
    assertRefused({ sent: [] }, 'CERT-CHAIN');
  });

  test('refuses the certificate of one TPM for a key from elsewhere', () => {
    assertRefused({ ek: endorsementKey().ek }, 'EK-CERTIFICATE');
  });

  test('refuses the certificate of an attestation key, of an authority, and one that nobody trusted signed', () => {
    const forger = mintAuthority('Factory');
    assertRefused({ certificate: certificateOf(mine.key, { extensions: [extendedKeyUsage(AK_USE)] }) }, 'CERT-USE');
    assertRefused({ certificate: certificateOf(mine.key, { extensions: [AUTHORITY] }) }, 'CERT-AUTHORITY');
    assertRefused({ certificate: certificateOf(mine.key, { issuer: forger }) }, 'CERT-SIGNATURE');
    assertRefused({ certificate: certificateOf(mine.key, { notAfter: '20251231000000Z' }) }, 'CERT-VALIDITY');
  });

  test('refuses a certificate that names two makers', () => {
    const two = distinguishedName(['6781050201', 'id:49465800'], ['6781050201', 'id:53544d20']);
    const extensions = [alternativeName(two), extendedKeyUsage(EK_USE)];
    assertRefused({ certificate: certificateOf(mine.key, { extensions }) }, 'EK-CERTIFICATE');
  });

  test('refuses a host that sends more certificates than any path has', () => {
    const sent = Array.from({ length: 17 }, () => middle.certificate);
    assert.throws(() => verifyEkCertificate(input({ sent }), nodeSignatures), { code: 'BYTES-LIMIT' });
  });
});

describe('what a certificate says of its TPM', () => {
  test('is absent where it names none', () => {
    assert.equal(tpmIdentity(certificateOf(mine.key, { extensions: [] })), undefined);
  });

  test('has the letters of the maker behind the digits, and stays as it is where they are none', () => {
    assert.equal(manufacturerName('id:49465800'), 'IFX');
    assert.equal(manufacturerName('id:414D4400'), 'AMD');
    for (const odd of ['id:4946', 'IFX', 'id:00000000', 'id:1b5b324a']) assert.equal(manufacturerName(odd), odd);
  });
});
