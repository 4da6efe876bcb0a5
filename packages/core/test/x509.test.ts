import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, test } from 'node:test';
import { fromHex } from '@assay/core/bytes';
import { FormatError, VerificationError } from '@assay/core/errors';
import {
  DER,
  derElement,
  encodePublicKey,
  parseCertificate,
  type ParsedCertificate,
  type SignatureVerifier,
} from '@assay/core/keys';
import { nodeSignatures } from '@assay/core/node';
import { nameText, verifyPath, type PathInput } from '@assay/core/x509';
import {
  alternativeName,
  AUTHORITY,
  authorityConstraints,
  CERTIFICATE_SIGNING,
  distinguishedName,
  extendedKeyUsage,
  mintAuthority,
  mintCertificate,
  nameConstraints,
  type CertificateOptions,
} from '@assay/testkit/certificates';
import fc from 'fast-check';

const USE = '6781050801';
const OTHER_USE = '2b06010505070301';
const NOW = Date.UTC(2026, 0, 1);
const LEAF_KEY = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;

const root = mintAuthority('Root');
const middle = mintAuthority('Middle', root);
const forger = mintAuthority('Root');

function mintLeaf(options: Partial<CertificateOptions> = {}): ParsedCertificate {
  const subject = distinguishedName(['550403', 'Leaf']);
  const extensions = [extendedKeyUsage(USE)];
  return parseCertificate(mintCertificate({ subject, key: LEAF_KEY, issuer: middle, extensions, ...options }));
}

function verify(input: Partial<PathInput>): readonly ParsedCertificate[] {
  const whole = {
    leaf: mintLeaf(),
    intermediates: [middle.certificate],
    anchors: [root.certificate],
    use: USE,
    now: NOW,
  };
  return verifyPath({ ...whole, ...input }, nodeSignatures).path;
}

function assertRefused(input: Partial<PathInput>, code: VerificationError['code']): void {
  assert.throws(
    () => verify(input),
    (error) => error instanceof VerificationError && error.code === code,
    code,
  );
}

describe('verifyPath', () => {
  test('accepts a leaf below an intermediate authority below a root', () => {
    assert.deepEqual(
      verify({}).map(({ subject }) => nameText(subject)),
      ['CN=Leaf', 'CN=Middle', 'CN=Root'],
    );
  });

  test('accepts an intermediate authority as the anchor, however it is itself signed', () => {
    const old = mintAuthority('Old', generateRsaIssuer(), { hash: 'sha1' });
    const path = verify({ leaf: mintLeaf({ issuer: old }), intermediates: [], anchors: [old.certificate] });
    assert.equal(path.length, 2);
  });

  test('finds the path whatever the order, and past certificates that lead nowhere', () => {
    const twin = mintAuthority('Middle', forger);
    const intermediates = [twin.certificate, forger.certificate, middle.certificate];
    assert.equal(verify({ intermediates, anchors: [forger.certificate, root.certificate] }).length, 3);
  });

  test('takes one name in two kinds of strings, or in other case, for the same', () => {
    const printable = mintAuthority('Middle', root);
    const spelled = [...printable.name].map((byte) => (byte === DER.utf8String ? 0x13 : byte));
    for (const name of [Uint8Array.from(spelled), distinguishedName(['550403', ' middle'])]) {
      verify({ leaf: mintLeaf({ issuer: { ...printable, name } }), intermediates: [printable.certificate] });
    }
  });

  test('accepts keys of RSA and signatures by them', () => {
    const issuer = generateRsaIssuer();
    const authority = parseCertificate(
      mintCertificate({ subject: issuer.name, key: issuer.key, issuer, extensions: [AUTHORITY], hash: 'sha384' }),
    );
    assert.equal(verify({ leaf: mintLeaf({ issuer }), intermediates: [], anchors: [authority] }).length, 2);
  });

  test('accepts a leaf without extendedKeyUsage, and one for any use', () => {
    verify({ leaf: mintLeaf({ extensions: [] }) });
    verify({ leaf: mintLeaf({ extensions: [extendedKeyUsage('551d2500')] }) });
  });

  test('accepts names that the authority may give', () => {
    const base = distinguishedName(['55040a', 'Maker']);
    const named = distinguishedName(['55040a', 'Maker'], ['550403', 'Leaf']);
    const issuer = mintAuthority('Bound', root, { extensions: [AUTHORITY, nameConstraints([base])] });
    verify({ leaf: mintLeaf({ issuer, subject: named }), intermediates: [issuer.certificate] });
  });

  test('accepts both ends of the validity', () => {
    const leaf = mintLeaf({ notBefore: '20250101000000Z', notAfter: '20250102000000Z' });
    verify({ leaf, now: Date.UTC(2025, 0, 1) });
    verify({ leaf, now: Date.UTC(2025, 0, 2) });
    assertRefused({ leaf, now: Date.UTC(2025, 0, 1) - 1 }, 'CERT-VALIDITY');
    assertRefused({ leaf, now: Date.UTC(2025, 0, 2) + 1 }, 'CERT-VALIDITY');
  });
});

describe('verifyPath refuses', () => {
  test('a leaf that signs itself', () => {
    const subject = distinguishedName(['550403', 'Leaf']);
    assertRefused({ leaf: mintLeaf({ subject, issuer: { name: subject, key: LEAF_KEY } }) }, 'CERT-CHAIN');
  });

  test('an issuer whose name is right and whose key is another', () => {
    assertRefused({ leaf: mintLeaf({ issuer: { ...middle, key: forger.key } }) }, 'CERT-SIGNATURE');
    assertRefused({ anchors: [forger.certificate] }, 'CERT-SIGNATURE');
  });

  test('a path whose intermediate is missing', () => {
    assertRefused({ intermediates: [] }, 'CERT-CHAIN');
  });

  test('an authority in the place of a leaf', () => {
    assertRefused({ leaf: mintLeaf({ extensions: [AUTHORITY] }) }, 'CERT-AUTHORITY');
  });

  test('an intermediate that is no authority, or may not sign certificates', () => {
    const crl = { ...CERTIFICATE_SIGNING, value: derElement(DER.bitString, Uint8Array.of(1, 0x02)) };
    for (const extensions of [[], [CERTIFICATE_SIGNING], [AUTHORITY, crl]]) {
      const issuer = mintAuthority('No authority', root, { extensions });
      assertRefused({ leaf: mintLeaf({ issuer }), intermediates: [issuer.certificate] }, 'CERT-AUTHORITY');
    }
  });

  test('more authorities below one than it allows', () => {
    const narrow = mintAuthority('Narrow', root, { extensions: [authorityConstraints(0)] });
    const below = mintAuthority('Below', narrow);
    verify({ leaf: mintLeaf({ issuer: narrow }), intermediates: [narrow.certificate] });
    const intermediates = [narrow.certificate, below.certificate];
    assertRefused({ leaf: mintLeaf({ issuer: below }), intermediates }, 'CERT-AUTHORITY');
  });

  test('an expired authority', () => {
    const issuer = mintAuthority('Expired', root, { notAfter: '20251231235959Z' });
    assertRefused({ leaf: mintLeaf({ issuer }), intermediates: [issuer.certificate] }, 'CERT-VALIDITY');
  });

  test('another use, of the leaf or of an authority above it', () => {
    assertRefused({ leaf: mintLeaf({ extensions: [extendedKeyUsage(OTHER_USE)] }) }, 'CERT-USE');
    const issuer = mintAuthority('Web', root, { extensions: [AUTHORITY, extendedKeyUsage(OTHER_USE)] });
    assertRefused({ leaf: mintLeaf({ issuer }), intermediates: [issuer.certificate] }, 'CERT-USE');
  });

  test('an unknown critical extension anywhere', () => {
    const unknown = { oid: '2a030405', critical: true, value: Uint8Array.of(5, 0) };
    verify({ leaf: mintLeaf({ extensions: [{ ...unknown, critical: false }] }) });
    assertRefused({ leaf: mintLeaf({ extensions: [unknown] }) }, 'CERT-EXTENSION');
    const issuer = mintAuthority('Odd', root, { extensions: [AUTHORITY, unknown] });
    assertRefused({ leaf: mintLeaf({ issuer }), intermediates: [issuer.certificate] }, 'CERT-EXTENSION');
  });

  test('names that an authority above may not give', () => {
    const maker = distinguishedName(['55040a', 'Maker']);
    const other = distinguishedName(['55040a', 'Other'], ['550403', 'Leaf']);
    for (const constraints of [
      nameConstraints([], [distinguishedName(['55040a', 'OTHER'])]),
      nameConstraints([maker]),
      nameConstraints([], [distinguishedName(['55040a', 'Other'])]),
    ]) {
      const issuer = mintAuthority('Bound', root, { extensions: [AUTHORITY, constraints] });
      const intermediates = [issuer.certificate];
      assertRefused({ leaf: mintLeaf({ issuer, subject: other }), intermediates }, 'CERT-NAME');
      const extensions = [alternativeName(other)];
      assertRefused(
        { leaf: mintLeaf({ issuer, subject: distinguishedName(), extensions }), intermediates },
        'CERT-NAME',
      );
    }
  });

  test('signatures by SHA-1 and MD5', () => {
    const issuer = generateRsaIssuer();
    const der = mintCertificate({ subject: issuer.name, key: issuer.key, issuer, extensions: [AUTHORITY] });
    for (const hash of ['sha1', 'md5'] as const) {
      const input = { leaf: mintLeaf({ issuer, hash }), intermediates: [], anchors: [parseCertificate(der)] };
      assertRefused(input, 'CERT-ALGORITHM');
    }
  });

  test('weak keys', () => {
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
    const key = publicKey.export({ type: 'spki', format: 'der' });
    assertRefused({ leaf: mintLeaf({ key }) }, 'CERT-ALGORITHM');
    const even = { kind: 'rsa', modulus: new Uint8Array(256).fill(0xfe), exponent: 65537 } as const;
    assertRefused({ leaf: mintLeaf({ key: encodePublicKey(even) }) }, 'CERT-ALGORITHM');
  });

  test('a loop of two authorities that signed each other', () => {
    const [one, two] = [mintAuthority('One'), mintAuthority('Two')];
    const crossed = (subject: typeof one, issuer: typeof one): ParsedCertificate =>
      parseCertificate(mintCertificate({ subject: subject.name, key: subject.key, issuer, extensions: [AUTHORITY] }));
    const intermediates = [crossed(one, two), crossed(two, one)];
    assertRefused({ leaf: mintLeaf({ issuer: one }), intermediates }, 'CERT-CHAIN');
  });

  test('a net of authorities that signed each other, after a bounded number of signatures', () => {
    const same = distinguishedName(['550403', 'Same']);
    const { privateKey: key } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const net = Array.from({ length: 16 }, (_, serial) =>
      parseCertificate(
        mintCertificate({
          subject: same,
          key,
          issuer: { name: same, key },
          extensions: [AUTHORITY],
          serial: Uint8Array.of(serial + 1),
        }),
      ),
    );
    let checks = 0;
    const counting: SignatureVerifier = {
      verify: (...input) => {
        checks += 1;
        return nodeSignatures.verify(...input);
      },
    };
    const leaf = mintLeaf({ issuer: { name: same, key } });
    const input = { leaf, intermediates: net, anchors: [root.certificate], use: USE, now: NOW };
    assert.throws(() => verifyPath(input, counting), { code: 'CERT-CHAIN' });
    assert.ok(checks <= 64, `${checks} signatures`);
  });
});

describe('parseCertificate refuses', () => {
  const whole = mintLeaf({ extensions: [alternativeName(distinguishedName(['6781050201', 'id:49465800']))] }).raw;

  test('every prefix and every appendix', () => {
    for (let length = 0; length < whole.length; length++) {
      assert.throws(() => parseCertificate(whole.subarray(0, length)), FormatError);
    }
    assert.throws(() => parseCertificate(Uint8Array.of(...whole, 0)), { code: 'DER-FORM' });
  });

  test('a negative serial number, and one with zeros in front', () => {
    for (const serial of [Uint8Array.of(0x80), Uint8Array.of(0, 1), new Uint8Array(0)]) {
      assert.throws(() => mintLeaf({ serial }), { code: 'DER-FORM' });
    }
  });

  test('times that no calendar has, and other forms of time', () => {
    for (const notAfter of [
      '20260431000000Z',
      '20261301000000Z',
      '20260101000060Z',
      '202601010000Z',
      '20260101000000+0000',
      '',
    ]) {
      assert.throws(() => mintLeaf({ notAfter }), { code: 'DER-FORM' }, notAfter);
    }
  });

  test('an algorithm outside that is not the one inside', () => {
    const changed = Uint8Array.from(whole);
    const oid = Buffer.from(fromHex('2a8648ce3d040302'));
    changed.set(fromHex('2a8648ce3d040303'), Buffer.from(changed).lastIndexOf(oid));
    assert.throws(() => parseCertificate(changed), { code: 'DER-FORM', message: /two algorithms/ });
  });

  test('any changed byte, or else reads it; and no changed certificate has a path', () => {
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = Uint8Array.from(whole);
        changed[at] = (changed[at] ?? 0) ^ flip;
        try {
          verify({ leaf: parseCertificate(changed) });
        } catch (error) {
          assert.ok(error instanceof FormatError || error instanceof VerificationError, String(error));
          return;
        }
        assert.fail(`byte ${at} does not matter`);
      }),
      { numRuns: 500 },
    );
  });
});

function generateRsaIssuer(): { name: Uint8Array; key: KeyObject } {
  return {
    name: distinguishedName(['550403', 'RSA']),
    key: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
  };
}
