import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createPrivateKey, sign } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { concat, toHex, utf8 } from '@assay/core/bytes';
import { encodeSignedData, parseSignedData, verifySignedData, type ParsedSignedData } from '@assay/core/cms';
import { FormatError, VerificationError } from '@assay/core/errors';
import { DER, derElement, parseCertificate, type ParsedCertificate } from '@assay/core/keys';
import { encodeModsig, findModsig, MODSIG_TRAILER_SIZE, verifyModsig } from '@assay/core/label';
import { nodeCrypto, nodeHasher } from '@assay/core/node';
import fc from 'fast-check';

// The signatures are made by the openssl command, as scripts/sign-file of the kernel makes them by its library.

const KEYS = { rsa: ['rsa:2048'], p256: ['ec', 'prime256v1'], p384: ['ec', 'secp384r1'], p521: ['ec', 'secp521r1'] };
type KeyName = keyof typeof KEYS;
const NAMES: readonly KeyName[] = ['rsa', 'p256', 'p384', 'p521'];
const CONTENT = utf8('a module\n');

let directory = '';
const at = (name: string): string => join(directory, name);
const openssl = (...words: readonly string[]): Buffer =>
  execFileSync('openssl', words, { stdio: ['ignore', 'pipe', 'pipe'] });

before(() => {
  directory = mkdtempSync(join(tmpdir(), 'assay-cms-'));
  writeFileSync(at('content'), CONTENT);
  for (const name of NAMES) {
    const [kind = '', curve] = KEYS[name];
    const parameters = curve === undefined ? [] : ['-pkeyopt', `ec_paramgen_curve:${curve}`];
    const request = ['req', '-x509', '-newkey', kind, ...parameters, '-nodes', '-subj', `/CN=${name}`];
    openssl(...request, '-days', '30', '-keyout', at(`${name}.key`), '-out', at(`${name}.pem`));
    openssl('x509', '-in', at(`${name}.pem`), '-outform', 'DER', '-out', at(`${name}.der`));
  }
});

after(() => {
  rmSync(directory, { recursive: true });
});

function signed(name: KeyName, ...more: readonly string[]): Uint8Array {
  const key = ['-signer', at(`${name}.pem`), '-inkey', at(`${name}.key`)];
  const made = ['cms', '-sign', '-binary', '-in', at('content'), ...key, '-outform', 'DER', '-md', 'sha256', ...more];
  return Uint8Array.from(openssl(...made));
}

const certificate = (name: KeyName): ParsedCertificate =>
  parseCertificate(Uint8Array.from(readFileSync(at(`${name}.der`))));
const digestOf = (content: Uint8Array, algorithm: 'sha256' | 'sha512' = 'sha256') =>
  ({ algorithm, value: nodeHasher.digest(algorithm, content) }) as const;

const PLAIN = ['-noattr', '-nocerts'];

function withCode(kind: typeof FormatError | typeof VerificationError, code: string) {
  return (error: unknown): boolean => {
    assert.ok(error instanceof kind, String(error));
    assert.equal(error.code, code, error.message);
    return true;
  };
}

describe('signatures in CMS', () => {
  for (const name of NAMES) {
    for (const form of [PLAIN, ['-noattr', '-keyid'], ['-nocerts'], ['-keyid', '-md', 'sha512', '-nosmimecap']]) {
      test(`by openssl with ${name} and ${form.join(' ')} verify, and over other content do not`, () => {
        const parsed = parseSignedData(signed(name, ...form));
        assert.equal(parsed.attributes !== undefined, !form.includes('-noattr'));
        assert.equal(parsed.signer.kind, form.includes('-keyid') ? 'key-identifier' : 'issuer');
        assert.equal(parsed.certificates.length, form.includes('-nocerts') ? 0 : 1);
        const algorithm = form.includes('sha512') ? 'sha512' : 'sha256';
        const signer = certificate(name);
        const check = (content: Uint8Array) =>
          verifySignedData(parsed, digestOf(content, algorithm), [certificate('p256'), signer], nodeCrypto);
        assert.equal(toHex(check(CONTENT).certificate.serialNumber), toHex(signer.serialNumber));
        assert.throws(() => check(utf8('b module\n')), withCode(VerificationError, 'IMA-SIG-INVALID'));
      });
    }
  }

  test('are not checked by certificates that come along', () => {
    const parsed = parseSignedData(signed('rsa', '-noattr'));
    assert.equal(parsed.certificates.length, 1);
    const unknown = withCode(VerificationError, 'IMA-SIG-KEY-UNKNOWN');
    assert.throws(() => verifySignedData(parsed, digestOf(CONTENT), [certificate('p256')], nodeCrypto), unknown);
    assert.throws(() => verifySignedData(parsed, digestOf(CONTENT), [], nodeCrypto), unknown);
  });

  test('hold for the digest of their own algorithm only', () => {
    const parsed = parseSignedData(signed('rsa', ...PLAIN));
    const invalid = withCode(VerificationError, 'IMA-SIG-INVALID');
    const others = [digestOf(CONTENT, 'sha512'), { algorithm: 'sha256', value: new Uint8Array(31) } as const];
    for (const digest of others) {
      assert.throws(() => verifySignedData(parsed, digest, [certificate('rsa')], nodeCrypto), invalid);
    }
    const otherKey = { ...certificate('rsa'), publicKey: certificate('p256').publicKey };
    assert.throws(() => verifySignedData(parsed, digestOf(CONTENT), [otherKey], nodeCrypto), invalid);
  });

  test('over attributes cover each of them', () => {
    const der = signed('rsa', '-nocerts');
    const parsed = parseSignedData(der);
    const { attributes } = parsed;
    assert.ok(attributes !== undefined);
    const forged = { ...attributes, signed: attributes.signed.toReversed().with(0, 0).toReversed() };
    const check = (each: ParsedSignedData) =>
      verifySignedData(each, digestOf(CONTENT), [certificate('rsa')], nodeCrypto);
    assert.ok(check(parsed));
    assert.throws(() => check({ ...parsed, attributes: forged }), withCode(VerificationError, 'IMA-SIG-INVALID'));
  });

  test('that are written here are read by openssl, and byte for byte what it writes with an RSA key', () => {
    for (const name of NAMES) {
      const key = createPrivateKey(readFileSync(at(`${name}.key`)));
      const signature = sign('sha256', CONTENT, key);
      const der = encodeSignedData({ certificate: certificate(name), hash: 'sha256', signature });
      writeFileSync(at('written'), der);
      const trust = ['-CAfile', at(`${name}.pem`), '-certfile', at(`${name}.pem`), '-purpose', 'any', '-nointern'];
      const read = ['cms', '-verify', '-binary', '-inform', 'DER', '-in', at('written'), '-content', at('content')];
      assert.equal(openssl(...read, ...trust).toString(), 'a module\n');
    }
    const signature = sign('sha256', CONTENT, createPrivateKey(readFileSync(at('rsa.key'))));
    const ours = encodeSignedData({ certificate: certificate('rsa'), hash: 'sha256', signature });
    const [mine, theirs] = [parseSignedData(ours), parseSignedData(signed('rsa', ...PLAIN))];
    assert.deepEqual({ ...mine, raw: null }, { ...theirs, raw: null });
  });
});

describe('what is no signature in CMS as kernels take it', () => {
  const seq = (...parts: readonly Uint8Array[]): Uint8Array => derElement(DER.sequence, ...parts);
  const oid = (hex: string): Uint8Array => derElement(DER.oid, Buffer.from(hex, 'hex'));
  const number = (value: number): Uint8Array => derElement(DER.integer, Uint8Array.of(value));
  const SHA256 = seq(oid('608648016503040201'));
  const RSA = seq(oid('2a864886f70d010101'), derElement(DER.null));
  const DATA = '2a864886f70d010701';
  const SID = seq(seq(), number(1));
  const SIGNATURE = derElement(DER.octetString, Uint8Array.of(1));
  const signer = (...parts: readonly Uint8Array[]): Uint8Array => seq(number(1), SID, SHA256, ...parts);
  const GOOD = signer(RSA, SIGNATURE);

  function message(parts: {
    version?: number;
    hashes?: readonly Uint8Array[];
    content?: Uint8Array;
    more?: readonly Uint8Array[];
    signers?: readonly Uint8Array[];
    type?: string;
  }): Uint8Array {
    const { version = 1, hashes = [SHA256], content = seq(oid(DATA)), more = [], signers = [GOOD] } = parts;
    const data = seq(
      number(version),
      derElement(DER.set, ...hashes),
      content,
      ...more,
      derElement(DER.set, ...signers),
    );
    return seq(oid(parts.type ?? '2a864886f70d010702'), derElement(DER.context(0), data));
  }

  const attributes = (...list: readonly Uint8Array[]): Uint8Array => derElement(DER.context(0), ...list);
  const attribute = (hex: string, ...values: readonly Uint8Array[]): Uint8Array =>
    seq(oid(hex), derElement(DER.set, ...values));
  const TYPE = attribute('2a864886f70d010903', oid(DATA));
  const DIGEST = attribute('2a864886f70d010904', derElement(DER.octetString, new Uint8Array(32)));
  const over = (list: Uint8Array): Uint8Array => message({ signers: [signer(list, RSA, SIGNATURE)] });

  test('is told from what is', () => {
    assert.equal(parseSignedData(message({})).keyKind, 'rsa');
    assert.ok(parseSignedData(over(attributes(TYPE, DIGEST))).attributes !== undefined);
  });

  const cases: readonly (readonly [string, () => Uint8Array, string])[] = [
    ['nothing', () => new Uint8Array(0), 'DER-FORM'],
    ['bytes behind it', () => concat([message({}), Uint8Array.of(0)]), 'DER-FORM'],
    ['an indefinite length', () => Uint8Array.of(0x30, 0x80, 0, 0), 'DER-FORM'],
    ['more than 64 KiB', () => new Uint8Array(65_537), 'BYTES-LIMIT'],
    ['plain data', () => message({ type: DATA }), 'CMS-FORM'],
    [
      'the content inside',
      () => message({ content: seq(oid(DATA), derElement(DER.context(0), SIGNATURE)) }),
      'CMS-FORM',
    ],
    ['another type of content', () => message({ content: seq(oid('2b0601040182370201')) }), 'CMS-FORM'],
    ['version 3 with issuer and serial number', () => message({ version: 3 }), 'CMS-FORM'],
    ['no hash', () => message({ hashes: [] }), 'DER-FORM'],
    ['two hashes', () => message({ hashes: [SHA256, SHA256] }), 'CMS-FORM'],
    ['MD5', () => message({ hashes: [seq(oid('2a864886f70d0205'))] }), 'CMS-FORM'],
    ['another hash than announced', () => message({ hashes: [seq(oid('608648016503040203'))] }), 'CMS-FORM'],
    ['no signer', () => message({ signers: [] }), 'CMS-FORM'],
    ['two signers', () => message({ signers: [GOOD, GOOD] }), 'CMS-FORM'],
    ['revocation lists', () => message({ more: [derElement(DER.context(1))] }), 'CMS-FORM'],
    [
      'seventeen certificates',
      () => message({ more: [derElement(DER.context(0), ...Array.from({ length: 17 }, () => seq()))] }),
      'BYTES-LIMIT',
    ],
    [
      'a signer of version 3 with issuer',
      () => message({ signers: [seq(number(3), SID, SHA256, RSA, SIGNATURE)] }),
      'CMS-FORM',
    ],
    ['an unknown way to sign', () => message({ signers: [signer(seq(oid('2a0304')), SIGNATURE)] }), 'CMS-FORM'],
    [
      'ECDSA over another hash',
      () => message({ signers: [signer(seq(oid('2a8648ce3d040303')), SIGNATURE)] }),
      'CMS-FORM',
    ],
    [
      'ECDSA with parameters',
      () => message({ signers: [signer(seq(oid('2a8648ce3d040302'), derElement(DER.null)), SIGNATURE)] }),
      'DER-FORM',
    ],
    [
      'attributes that nobody signed',
      () => message({ signers: [signer(RSA, SIGNATURE, derElement(DER.context(1), TYPE))] }),
      'CMS-FORM',
    ],
    ['signed attributes without digest', () => over(attributes(TYPE)), 'CMS-FORM'],
    ['signed attributes without type', () => over(attributes(DIGEST)), 'CMS-FORM'],
    ['signed attributes out of order', () => over(attributes(DIGEST, TYPE)), 'CMS-FORM'],
    ['a signed attribute twice', () => over(attributes(TYPE, TYPE, DIGEST)), 'CMS-FORM'],
    [
      'two digests in one attribute',
      () => over(attributes(attribute('2a864886f70d010904', SIGNATURE, SIGNATURE), TYPE)),
      'DER-FORM',
    ],
    [
      'signed attributes for another type',
      () => over(attributes(attribute('2a864886f70d010903', oid('2a03')), DIGEST)),
      'CMS-FORM',
    ],
  ];
  for (const [what, bytes, code] of cases) {
    test(`${what}: ${code}`, () => {
      assert.throws(() => parseSignedData(bytes()), withCode(FormatError, code));
    });
  }

  test('is refused with a code or read, whatever it holds', () => {
    const base = message({ signers: [signer(attributes(TYPE, DIGEST), RSA, SIGNATURE)] });
    const position = fc.nat(base.length - 1);
    fc.assert(
      fc.property(position, fc.nat(255), fc.nat(base.length), (index, byte, end) => {
        try {
          parseSignedData(base.with(index, byte).subarray(0, end === 0 ? undefined : end));
        } catch (error) {
          assert.ok(error instanceof FormatError, String(error));
        }
      }),
    );
  });
});

describe('an appended signature', () => {
  const MARK = utf8('~Module signature appended~\n');
  const trailer = (header: readonly number[]): Uint8Array => concat([Uint8Array.from(header), MARK]);
  const HEADER = [0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1, 0];

  test('is found behind its content, and verifies', () => {
    const cms = signed('p384', ...PLAIN);
    const file = concat([CONTENT, encodeModsig(cms)]);
    const place = findModsig(file.subarray(-MODSIG_TRAILER_SIZE), file.length);
    assert.deepEqual(place, { contentSize: CONTENT.length, signatureSize: cms.length });
    const parsed = parseSignedData(file.subarray(CONTENT.length, CONTENT.length + cms.length));
    assert.ok(verifyModsig(parsed, digestOf(CONTENT), [certificate('p384')], nodeCrypto));
  });

  test('over attributes is refused, as the kernel does, though it is right', () => {
    const parsed = parseSignedData(signed('rsa', '-nocerts'));
    const attributes = withCode(VerificationError, 'MODSIG-ATTRIBUTES');
    assert.throws(() => verifyModsig(parsed, digestOf(CONTENT), [certificate('rsa')], nodeCrypto), attributes);
  });

  test('is not there without its mark', () => {
    assert.equal(findModsig(new Uint8Array(0), 0), undefined);
    assert.equal(findModsig(MARK.subarray(1), 27), undefined);
    assert.equal(findModsig(concat([trailer(HEADER), utf8('\n')]), 1000), undefined);
  });

  const broken: readonly (readonly [string, Uint8Array, number, string])[] = [
    ['the mark alone', MARK, 28, 'MODSIG-FORM'],
    ['another kind', trailer(HEADER.with(2, 1)), 1000, 'MODSIG-FORM'],
    ...[0, 1, 3, 4, 5, 6, 7].map(
      (index) => [`byte ${index} not zero`, trailer(HEADER.with(index, 1)), 1000, 'MODSIG-FORM'] as const,
    ),
    ['no signature', trailer(HEADER.with(10, 0)), 1000, 'MODSIG-FORM'],
    ['no content', trailer(HEADER), 256 + 40, 'MODSIG-FORM'],
    ['a signature longer than the file', trailer(HEADER), 100, 'MODSIG-FORM'],
    ['an absurd length', trailer(HEADER.with(8, 1)), 1000, 'BYTES-LIMIT'],
  ];
  for (const [what, end, size, code] of broken) {
    test(`is refused with ${what}: ${code}`, () => {
      assert.throws(() => findModsig(end, size), withCode(FormatError, code));
    });
  }
});
