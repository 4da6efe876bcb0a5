import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { describe, test } from 'node:test';
import { utf8 } from '@assay/core/bytes';
import { FormatError, VerificationError } from '@assay/core/errors';
import { checkedReference, emptyReference, verifyBundledReference, type TrustedKey } from '@assay/core/reference';
import { parseTrustedRoot, sigstoreCheck } from '@assay/verifier/policies';

const ARTIFACT = checkedReference(emptyReference('web', 1, '2026-11-22T00:00:00Z')).canonical;
const SIGNER = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const STRANGER = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const keyOf = (key: KeyObject, name = 'release.pub'): TrustedKey => ({
  name,
  spki: key.export({ format: 'der', type: 'spki' }),
});

/** What `cosign sign-blob --key KEY --bundle FILE --new-bundle-format --tlog-upload=false` writes. */
function bundleOf(artifact: Uint8Array, key: KeyObject = SIGNER.privateKey) {
  const digest = createHash('sha256').update(artifact).digest('base64');
  return {
    mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
    verificationMaterial: { publicKey: { hint: 'any' }, tlogEntries: [] as unknown[] },
    messageSignature: {
      messageDigest: { algorithm: 'SHA2_256', digest },
      signature: sign('sha256', artifact, key).toString('base64'),
    },
  };
}

const bytesOf = (value: unknown): Uint8Array => utf8(JSON.stringify(value));
const check = (keys: TrustedKey[]) => sigstoreCheck({ keys, identities: [] });
const REFUSED = { name: 'VerificationError', code: 'POLICY-SIGNATURE' };

describe('a bundle of Sigstore', () => {
  test('verifies reference values by a key, and names it', () => {
    const keys = [keyOf(STRANGER.publicKey, 'other.pub'), keyOf(SIGNER.publicKey)];
    const verified = verifyBundledReference(ARTIFACT, bytesOf(bundleOf(ARTIFACT)), check(keys));
    assert.deepEqual([verified.signer, verified.document.name], ['release.pub', 'web']);
  });

  test('is refused for another file, by another key, and without a key', () => {
    const bundle = bytesOf(bundleOf(ARTIFACT));
    const other = checkedReference(emptyReference('web', 2, '2026-11-22T00:00:00Z')).canonical;
    for (const [artifact, keys] of [
      [other, [keyOf(SIGNER.publicKey)]],
      [ARTIFACT, [keyOf(STRANGER.publicKey)]],
      [ARTIFACT, []],
    ] as const) {
      assert.throws(() => verifyBundledReference(artifact, bundle, check([...keys])), REFUSED);
    }
  });

  test('is refused where any bit of the signature or digest is another', () => {
    const { messageSignature, ...rest } = bundleOf(ARTIFACT);
    const flipped = (text: string): string => {
      const bytes = Buffer.from(text, 'base64');
      bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
      return bytes.toString('base64');
    };
    const { messageDigest, signature } = messageSignature;
    const bad = [
      { messageDigest, signature: flipped(signature) },
      { messageDigest: { ...messageDigest, digest: flipped(messageDigest.digest) }, signature },
    ];
    for (const each of bad) {
      const bundle = bytesOf({ ...rest, messageSignature: each });
      assert.throws(() => check([keyOf(SIGNER.publicKey)]).verify(bundle, ARTIFACT), REFUSED);
    }
  });

  test('whose log nobody can ask is refused where a trusted root names logs', () => {
    const rawBytes = STRANGER.publicKey.export({ format: 'der', type: 'spki' }).toString('base64');
    const root = parseTrustedRoot(bytesOf(rootOf({ tlogs: [logOf(rawBytes)] })));
    const trust = { keys: [keyOf(SIGNER.publicKey)], identities: [], root };
    assert.throws(() => sigstoreCheck(trust).verify(bytesOf(bundleOf(ARTIFACT)), ARTIFACT), REFUSED);
  });

  test('is refused where it is none, or holds an envelope', () => {
    const good = bundleOf(ARTIFACT);
    const envelope = { payload: '', payloadType: 'a/b', signatures: [{ sig: 'AA==', keyid: '' }] };
    const { messageSignature, ...material } = good;
    const bad: readonly Uint8Array[] = [
      utf8(''),
      utf8('{}'),
      utf8('[]'),
      bytesOf({ ...good, mediaType: 'application/json' }),
      bytesOf({ ...good, verificationMaterial: {} }),
      bytesOf(material),
      bytesOf({ messageSignature }),
      bytesOf({ ...material, dsseEnvelope: envelope }),
      utf8(JSON.stringify(good).replace('"hint":"any"', '"hint":"any","hint":"any"')),
      utf8(`${JSON.stringify(good)}x`),
    ];
    for (const bytes of bad) {
      const verify = () => check([keyOf(SIGNER.publicKey)]).verify(bytes, ARTIFACT);
      assert.throws(verify, (error) => error instanceof FormatError, Buffer.from(bytes).toString());
    }
  });

  test('of a certificate needs a trusted root', () => {
    const material = { certificate: { rawBytes: 'MAA=' }, tlogEntries: [] };
    const bundle = bytesOf({ ...bundleOf(ARTIFACT), verificationMaterial: material });
    const verify = () => check([keyOf(SIGNER.publicKey)]).verify(bundle, ARTIFACT);
    assert.throws(verify, (error) => error instanceof VerificationError && /no trusted root/.test(error.message));
  });
});

const logOf = (rawBytes: string, validFor: object | null = { start: '2026-01-01T00:00:00Z' }) => ({
  baseUrl: 'https://log.example',
  hashAlgorithm: 'SHA2_256',
  publicKey: { rawBytes, keyDetails: 'PKIX_ECDSA_P256_SHA_256', validFor },
  logId: { keyId: 'AAAA' },
});
const rootOf = (change: object) => ({
  mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
  tlogs: [],
  certificateAuthorities: [],
  ctlogs: [],
  timestampAuthorities: [],
  ...change,
});

test('a trusted root is refused where a part is not of its form', () => {
  const bad = [
    { mediaType: 'application/json' },
    { tlogs: [{}] },
    { tlogs: [logOf('***')] },
    { tlogs: [logOf('AAAA', null)] },
    { tlogs: [logOf('AAAA', { end: '2026-01-01T00:00:00Z' })] },
    { tlogs: [logOf('AAAA', { start: 'yesterday' })] },
    { certificateAuthorities: [{ certChain: { certificates: [] } }] },
  ];
  for (const change of bad) {
    const read = () => parseTrustedRoot(bytesOf(rootOf(change)));
    assert.throws(read, { code: 'ENVELOPE-FORM' }, JSON.stringify(change));
  }
  assert.equal(parseTrustedRoot(bytesOf(rootOf({ tlogs: [logOf('AAAA')] }))).tlogs.length, 1);
});
