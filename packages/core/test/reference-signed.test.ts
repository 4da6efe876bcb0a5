import assert from 'node:assert/strict';
import { generateKeyPairSync, sign, constants, type KeyObject } from 'node:crypto';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { utf8 } from '@assay/core/bytes';
import { encodeEnvelope, parseEnvelope, preAuthEncoding } from '@assay/core/dsse';
import { FormatError } from '@assay/core/errors';
import { nodeHasher, nodeMessageSignatures } from '@assay/core/node';
import {
  admitReference,
  checkedReference,
  emptyReference,
  REFERENCE_PAYLOAD_TYPE,
  referenceDigest,
  verifySignedReference,
  type ReferenceDocument,
  type TrustedKey,
} from '@assay/core/reference';

const CREATED = '2026-11-22T00:00:00Z';
const reference = (version: number, change: Partial<ReferenceDocument> = {}) =>
  checkedReference({ ...emptyReference('web', version, CREATED), ...change });
const GOOD = reference(1);

const KEYS = {
  ed25519: generateKeyPairSync('ed25519'),
  p256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  p384: generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  rsa: generateKeyPairSync('rsa', { modulusLength: 2048 }),
};
const trusted = (name: keyof typeof KEYS): TrustedKey => ({
  name,
  spki: KEYS[name].publicKey.export({ format: 'der', type: 'spki' }),
});

function signed(payload: Uint8Array<ArrayBuffer>, sig: Uint8Array, payloadType = REFERENCE_PAYLOAD_TYPE): Uint8Array {
  return utf8(encodeEnvelope({ payloadType, payload, signatures: [{ sig }] }));
}

const message = preAuthEncoding(REFERENCE_PAYLOAD_TYPE, GOOD.canonical);
const by = (key: KeyObject, hash: string | null = 'sha256'): Uint8Array => sign(hash, message, key);
const verify = (bytes: Uint8Array, keys: TrustedKey[]) => verifySignedReference(bytes, keys, nodeMessageSignatures);

describe('signed reference values', () => {
  test('name every trusted key that signed, each once, whatever order and names they have', () => {
    const trusted = (name: keyof typeof KEYS, as: string = name): TrustedKey => ({
      name: as,
      spki: KEYS[name].publicKey.export({ type: 'spki', format: 'der' }),
    });
    const signatures = [by(KEYS.p256.privateKey), by(KEYS.p256.privateKey), by(KEYS.ed25519.privateKey, null)];
    const bytes = utf8(
      encodeEnvelope({
        payloadType: REFERENCE_PAYLOAD_TYPE,
        payload: GOOD.canonical,
        signatures: signatures.map((sig) => ({ sig })),
      }),
    );
    const signersBy = (...keys: TrustedKey[]) => verify(bytes, keys).signers.map(({ name }) => name);
    assert.deepEqual(signersBy(trusted('ed25519'), trusted('p384'), trusted('p256')), ['ed25519', 'p256']);
    assert.deepEqual(signersBy(trusted('p256', 'first'), trusted('p256', 'second')), ['first']);
    assert.throws(() => signersBy(trusted('p384')), { code: 'POLICY-SIGNATURE' });
  });

  test('verify by Ed25519, ECDSA and RSA keys, among others', () => {
    const pss = { key: KEYS.rsa.privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
    const signatures: [keyof typeof KEYS, Uint8Array][] = [
      ['ed25519', by(KEYS.ed25519.privateKey, null)],
      ['p256', by(KEYS.p256.privateKey)],
      ['p384', by(KEYS.p384.privateKey, 'sha384')],
      ['p384', by(KEYS.p384.privateKey)],
      ['rsa', by(KEYS.rsa.privateKey)],
      ['rsa', sign('sha256', message, pss)],
    ];
    const all = [trusted('ed25519'), trusted('p256'), trusted('p384'), trusted('rsa')];
    for (const [name, signature] of signatures) {
      const verified = verify(signed(GOOD.canonical, signature), all);
      assert.deepEqual([verified.signer, verified.document], [name, GOOD.document]);
      const others = all.filter((key) => key.name !== name);
      assert.throws(() => verify(signed(GOOD.canonical, signature), others), { code: 'POLICY-SIGNATURE' });
    }
  });

  test('are refused with another payload, another type, and by a weak key', () => {
    const signature = by(KEYS.p256.privateKey);
    const keys = [trusted('p256')];
    assert.throws(() => verify(signed(reference(2).canonical, signature), keys), { code: 'POLICY-SIGNATURE' });
    assert.throws(() => verify(signed(GOOD.canonical, signature, 'text/plain'), keys), { code: 'ENVELOPE-FORM' });
    const weak = generateKeyPairSync('rsa', { modulusLength: 1024 });
    const key = { name: 'weak', spki: weak.publicKey.export({ format: 'der', type: 'spki' }) };
    assert.throws(() => verify(signed(GOOD.canonical, by(weak.privateKey)), [key]), { code: 'POLICY-SIGNATURE' });
    assert.throws(() => verify(signed(GOOD.canonical, signature), [{ name: 'none', spki: Uint8Array.of(1) }]), {
      code: 'POLICY-SIGNATURE',
    });
  });

  test('are refused where a byte of the envelope is another', () => {
    const good = signed(GOOD.canonical, by(KEYS.ed25519.privateKey, null));
    for (let at = 0; at < good.length; at += 1) {
      const bad = good.slice();
      bad[at] = (bad[at] ?? 0) ^ 1;
      assert.throws(() => verify(bad, [trusted('ed25519')]), /./, `byte ${at}`);
    }
  });
});

describe('an envelope', () => {
  test('is the same after it was written and read', () => {
    const sig = fc.record(
      { keyid: fc.option(fc.string({ maxLength: 40 }), { nil: undefined }), sig: fc.uint8Array({ minLength: 1 }) },
      { noNullPrototype: true },
    );
    fc.assert(
      fc.property(fc.uint8Array(), fc.array(sig, { minLength: 1, maxLength: 16 }), (payload, list) => {
        const signatures = list.map(({ keyid, sig: value }) => ({
          ...(keyid === undefined ? {} : { keyid }),
          sig: Uint8Array.from(value),
        }));
        const envelope = { payloadType: 'a/b', payload: Uint8Array.from(payload), signatures };
        assert.deepEqual(parseEnvelope(utf8(encodeEnvelope(envelope))), envelope);
      }),
    );
  });

  test('is refused where it is not of its form', () => {
    const good = { payload: 'AA==', payloadType: 'a/b', signatures: [{ sig: 'AA==' }] };
    const bad: readonly unknown[] = [
      [],
      {},
      { ...good, payload: 1 },
      { ...good, payload: 'AA' },
      { ...good, payloadType: '' },
      { ...good, payloadType: 'a b' },
      { ...good, signatures: {} },
      { ...good, signatures: [] },
      { ...good, signatures: Array.from({ length: 17 }, () => ({ sig: 'AA==' })) },
      { ...good, signatures: ['AA=='] },
      { ...good, signatures: [{ sig: 'A' }] },
      { ...good, signatures: [{ sig: 'AA==', keyid: 1 }] },
    ];
    for (const value of bad) {
      assert.throws(() => parseEnvelope(utf8(JSON.stringify(value))), FormatError, JSON.stringify(value));
    }
  });
});

describe('a version', () => {
  const at = new Date('2026-11-23T00:00:00Z');
  const force = (version: number) => ({ version, digest: referenceDigest(nodeHasher, reference(version)) });
  const admit = (
    version: number,
    change: Partial<ReferenceDocument> = {},
    inForce?: { version: number; digest: string },
  ) => admitReference(reference(version, change), at, inForce, nodeHasher);

  test('comes into force when it is the first, a higher one, or the same again', () => {
    admit(1);
    admit(3, {}, force(2));
    admit(2, {}, force(2));
  });

  test('is refused when it is lower, or the same number with another content', () => {
    assert.throws(() => admit(1, {}, force(2)), { code: 'POLICY-ROLLBACK' });
    assert.throws(() => admit(2, { note: 'other' }, force(2)), { code: 'POLICY-ROLLBACK' });
  });

  test('is refused after its time', () => {
    admit(1, { validUntil: '2026-11-23T00:00:00Z' });
    assert.throws(() => admit(1, { validUntil: '2026-11-22T23:59:59Z' }), { code: 'POLICY-EXPIRED' });
  });
});
