import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { manufacturerName, tpmIdentity, verifyEkCertificate, type VerifiedEkCertificate } from '@assay/core/evidence';
import { parseCertificate } from '@assay/core/keys';
import { nodeSignatures } from '@assay/core/node';
import { checkEndorsementKey, parsePublic } from '@assay/core/tpm';
import { alternativeName, distinguishedName, mintAuthority } from '@assay/testkit/certificates';
import { endorsementsToAccept, type EndorsementBundle } from '@assay/testkit/forge';

// The forge kit is tried in adversary.test.ts.

/** What a verifier does with what a host shows. */
function verify({ ekPublic, certificate, intermediates, roots, now }: EndorsementBundle): VerifiedEkCertificate {
  const input = {
    ek: checkEndorsementKey(parsePublic(ekPublic)),
    certificate: parseCertificate(certificate),
    sent: intermediates.map(parseCertificate),
    known: [],
    anchors: roots.map(parseCertificate),
    now,
  };
  return verifyEkCertificate(input, nodeSignatures);
}

const [honest] = endorsementsToAccept();
assert.ok(honest !== undefined);

describe('verifyEkCertificate accepts the certificate', () => {
  test('and tells the TPM of it', () => {
    assert.deepEqual(verify(honest.bundle).tpm, { manufacturer: 'id:49465800', model: 'SLB9672', version: 'id:0010' });
  });

  test('by authorities at hand where the host sends none', () => {
    const { ekPublic, certificate, intermediates, roots, now } = honest.bundle;
    const parsed = {
      ek: checkEndorsementKey(parsePublic(ekPublic)),
      certificate: parseCertificate(certificate),
      sent: [],
      anchors: roots.map(parseCertificate),
      now,
    };
    assert.equal(
      verifyEkCertificate({ ...parsed, known: intermediates.map(parseCertificate) }, nodeSignatures).path.length,
      3,
    );
    assert.throws(() => verifyEkCertificate({ ...parsed, known: [] }, nodeSignatures), { code: 'CERT-CHAIN' });
  });
});

describe('verifyEkCertificate refuses', () => {
  test('a certificate that names two makers', () => {
    const two = distinguishedName(['6781050201', 'id:49465800'], ['6781050201', 'id:53544d20']);
    const { certificate } = mintAuthority('Two', undefined, { extensions: [alternativeName(two)] });
    assert.throws(() => tpmIdentity(certificate), { code: 'EK-CERTIFICATE' });
  });
});

describe('what a certificate says of its TPM', () => {
  test('is absent where it names none', () => assert.equal(tpmIdentity(mintAuthority('Maker').certificate), undefined));

  test('has the letters of the maker behind the digits, and stays as it is where they are none', () => {
    assert.equal(manufacturerName('id:49465800'), 'IFX');
    assert.equal(manufacturerName('id:414D4400'), 'AMD');
    for (const odd of ['id:4946', 'IFX', 'id:00000000', 'id:1b5b324a']) assert.equal(manufacturerName(odd), odd);
  });
});
