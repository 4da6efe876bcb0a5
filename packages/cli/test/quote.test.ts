import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { toHex } from '@assay/core/bytes';
import { EVIDENCE_STEPS } from '@assay/core/evidence';
import { parsePublic, publicKeyOf } from '@assay/core/tpm';
import { encodePublicKey } from '@assay/core/keys';
import { quoteAttacks, quotesToAccept, type QuoteBundle } from '@assay/testkit/forge';
import { z } from 'zod';
import { assay, assertFails, documentIn, ROOT, scratch, type Ended } from './assay.ts';

const VECTORS = `${ROOT}packages/core/test/vectors/quote`;
const VECTOR_NONCE = '00112233445566778899aabbccddeeff';

/** The contract of `assay quote verify -o json`. */
const Answer = z.discriminatedUnion('verified', [
  z.strictObject({
    schema: z.literal('assay.quote-verify.v1'),
    verified: z.literal(true),
    key: z.union([
      z.strictObject({ proved: z.literal(true), name: z.string() }),
      z.strictObject({ proved: z.literal(false) }),
    ]),
    clock: z.string().regex(/^\d+$/),
    resetCount: z.int(),
    restartCount: z.int(),
    safe: z.boolean(),
    firmwareVersion: z.string().regex(/^[0-9a-f]{16}$/),
    pcrs: z.array(z.strictObject({ bank: z.string(), pcr: z.int(), value: z.string() })),
    notes: z.array(z.string()),
  }),
  z.strictObject({
    schema: z.literal('assay.quote-verify.v1'),
    verified: z.literal(false),
    step: z.enum(EVIDENCE_STEPS),
    code: z.string(),
    message: z.string(),
    remedy: z.string(),
    place: z.object({}),
  }),
]);

type Files = Readonly<Record<'ak' | 'message' | 'signature', string>>;

function filesOf(t: TestContext, bundle: QuoteBundle): Files {
  const directory = scratch(t);
  const write = (name: string, bytes: Uint8Array): string => {
    const path = join(directory, name);
    writeFileSync(path, bytes);
    return path;
  };
  const { akPublic, message, signature } = bundle;
  return {
    ak: write('ak.pub', akPublic),
    message: write('quote.msg', message),
    signature: write('quote.sig', signature),
  };
}

function line(files: Files, nonce: string, pcrs: readonly string[]): string[] {
  const named = Object.entries(files).flatMap(([option, path]) => [`--${option}`, path]);
  return ['quote', 'verify', ...named, '--nonce', nonce, ...pcrs.flatMap((pcr) => ['--pcr', pcr])];
}

function verify(files: Files, nonce: string, pcrs: readonly string[], ...more: string[]): Promise<Ended> {
  return assay([...line(files, nonce, pcrs), ...more]);
}

async function verifyBundle(t: TestContext, bundle: QuoteBundle): Promise<Ended> {
  const pcrs = bundle.pcrs.map(({ bank, pcr, value }) => `${bank}:${pcr}=${toHex(value)}`);
  return verify(filesOf(t, bundle), toHex(bundle.nonce), pcrs, '-o', 'json');
}

/** PCR 10 of SHA-1, then PCR 0 to 10 of SHA-256, as the quotes of a real kernel's TPM cover them. */
function vectorPcrs(name: string): string[] {
  const values = readFileSync(join(VECTORS, `${name}.pcrs`));
  const sha256 = Array.from({ length: 11 }, (_, pcr) => {
    return `sha256:${pcr}=${values.toString('hex', 20 + 32 * pcr, 52 + 32 * pcr)}`;
  });
  return [`sha1:10=${values.toString('hex', 0, 20)}`, ...sha256];
}

const [ECC, RSA] = [
  ['akp', 'ak.pub'],
  ['akr', 'akr.pem'],
].map(([name = '', ak = '']) => ({
  pcrs: vectorPcrs(name),
  files: {
    ak: join(VECTORS, ak),
    message: join(VECTORS, `${name}.msg`),
    signature: join(VECTORS, `${name}.sig`),
  },
}));
assert.ok(ECC !== undefined && RSA !== undefined);

describe('assay quote verify', () => {
  for (const [name, vector] of Object.entries({ ECDSA: ECC, RSA })) {
    test(`verifies what tpm2_quote wrote, by an ${name} key in PEM, and says what PEM cannot tell`, async () => {
      const ended = await verify(vector.files, VECTOR_NONCE, vector.pcrs, '-o', 'json');
      const document = Answer.parse(documentIn(ended));
      assert.ok(document.verified);
      assert.deepEqual(document.key, { proved: false });
      assert.match(document.notes.join(), /nothing here shows that a TPM holds it/);
      assert.equal(document.pcrs.length, 12);
      assert.equal(ended.code, 0);
    });
  }

  test('takes the banks in any order, and says in words what was verified', async () => {
    const { code, stdout } = await verify(ECC.files, VECTOR_NONCE.toUpperCase(), ECC.pcrs.toReversed());
    assert.equal(code, 0);
    assert.match(stdout, /^verified: the key signed these PCR values for this nonce\n/);
    assert.match(
      stdout,
      /\n {2}sha1:10 {4}[0-9a-f]{40}\n {2}sha256:0 [^]*\n {2}sha256:10 {2}[0-9a-f]{64}\nclock \d+ ms, reset 2/,
    );
    assert.match(stdout, /, restart 0\nnote /);
  });

  test('refuses a selection that lacks a PCR or has one more, another nonce, and another key', async () => {
    const more = `sha256:11=${'00'.repeat(32)}`;
    const { files, pcrs } = ECC;
    for (const [answer, code] of [
      [verify(files, VECTOR_NONCE, pcrs.slice(1), '-o', 'json'), 'QUOTE-SELECTION'],
      [verify(files, VECTOR_NONCE, pcrs.slice(0, -1), '-o', 'json'), 'QUOTE-SELECTION'],
      [verify(files, VECTOR_NONCE, [...pcrs, more], '-o', 'json'), 'QUOTE-SELECTION'],
      [verify(files, `${VECTOR_NONCE}00`, pcrs, '-o', 'json'), 'QUOTE-NONCE'],
      [verify({ ...files, ak: RSA.files.ak }, VECTOR_NONCE, pcrs, '-o', 'json'), 'QUOTE-SIGNATURE'],
    ] as const) {
      const ended = await answer;
      const document = Answer.parse(documentIn(ended));
      assert.equal(document.verified ? 'verified' : document.code, code);
      assert.equal(ended.code, 1);
      assert.equal(ended.stderr, '');
    }
  });

  test('says in words why it refuses', async () => {
    const { code, stdout } = await verify(ECC.files, VECTOR_NONCE, ECC.pcrs.slice(1));
    assert.equal(code, 1);
    assert.match(stdout, /^refused QUOTE-SELECTION: quote refused: it covers sha1:10\+sha256:0,/);
    assert.match(stdout, /\nwhat to do Check that the TPM has the bank active/);
  });

  test('accepts odd quotes that are right, and tells the name of a key whose public area is known', async (t) => {
    for (const { name, bundle } of quotesToAccept()) {
      const ended = await verifyBundle(t, bundle);
      const document = Answer.parse(documentIn(ended));
      assert.ok(document.verified && document.key.proved, name);
      assert.equal(ended.code, 0, name);
    }
  });

  // One forgery of each kind: the tests of core run all of them.
  const seen = new Set<string>();
  for (const { name, answer, bundle } of quoteAttacks()) {
    if (seen.has(answer)) continue;
    seen.add(answer);
    test(`refuses ${name}: ${answer}`, async (t) => {
      const ended = await verifyBundle(t, bundle);
      const malformed = documentIn(ended)['schema'] === 'assay.error.v1';
      assert.equal(ended.code, malformed ? 3 : 1);
      if (answer === 'unreadable') assert.ok(malformed);
      else assert.equal(documentIn(ended)['code'], answer);
    });
  }
});

describe('assay quote verify cannot read', () => {
  const area = parsePublic(quotesToAccept()[0]?.bundle.akPublic ?? new Uint8Array(0));
  const der = Buffer.from(encodePublicKey(publicKeyOf(area))).toString('base64');
  const pem = `-----BEGIN PUBLIC KEY-----\n${der}\n-----END PUBLIC KEY-----\n`;
  for (const [name, content, code] of [
    ['an empty file', '', 'BYTES-TRUNCATED'],
    ['a private key', pem.replaceAll('PUBLIC', 'PRIVATE'), 'PEM-FORM'],
    ['PEM without its end', pem.slice(0, -20), 'PEM-FORM'],
    ['two keys', pem.repeat(2), 'PEM-FORM'],
    ['a key with a letter missing', pem.replace(der, der.slice(1)), 'TEXT-BASE64'],
    ['zeros', new Uint8Array(400), 'BYTES-TRUNCATED'],
    ['an endless file', null, 'INPUT-FILE'],
  ] as const) {
    test(`${name} as the key`, async (t) => {
      const ak = content === null ? '/dev/zero' : join(scratch(t), 'ak');
      if (content !== null) writeFileSync(ak, content);
      await assertFails(line({ ...ECC.files, ak }, VECTOR_NONCE, ECC.pcrs), { exit: 3, code });
    });
  }

  test('a file that is missing, or a directory', async () => {
    const missing = line({ ...ECC.files, message: '/nonexistent' }, VECTOR_NONCE, ECC.pcrs);
    await assertFails(missing, { exit: 3, code: 'ENOENT' });
    await assertFails(line({ ...ECC.files, signature: VECTORS }, VECTOR_NONCE, ECC.pcrs), {
      exit: 3,
      code: 'INPUT-FILE',
    });
  });
});

describe('assay quote verify is used wrongly', () => {
  for (const [name, nonce, pcrs] of [
    ['with a nonce that is not hexadecimal', 'xyz', ECC.pcrs],
    ['without a nonce', '', ECC.pcrs],
    ['without any PCR', VECTOR_NONCE, []],
    ['with one PCR twice', VECTOR_NONCE, [...ECC.pcrs, ...ECC.pcrs.slice(0, 1)]],
    ['with a PCR that no TPM has', VECTOR_NONCE, [`sha256:24=${'00'.repeat(32)}`]],
    ['with a value of another bank', VECTOR_NONCE, [`sha256:10=${'00'.repeat(20)}`]],
  ] as const) {
    test(name, async () => {
      await assertFails(line(ECC.files, nonce, pcrs), { exit: 2, code: 'USAGE' });
    });
  }

  test('and says which option is missing, in words', async () => {
    const { stderr } = await verify(ECC.files, VECTOR_NONCE, []);
    assert.match(stderr, /^error USAGE: --pcr is needed for each PCR that the quote must cover\n/);
  });
});
