import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { concat, toHex } from '@assay/core/bytes';
import {
  encode,
  encodePublic,
  encodeSealedFile,
  parseSealedFile,
  sealedTemplate,
  sized,
  type SealedFile,
} from '@assay/core/tpm';

const NONE = new Uint8Array(0);
const bytes = (size: number, fill = 7): Uint8Array => new Uint8Array(size).fill(fill);
const selection = [
  { bank: 'sha1', pcrs: [10] },
  { bank: 'sha256', pcrs: [0, 7, 10, 23] },
] as const;
const SEALED: SealedFile = {
  pcrs: { selection, pcrDigest: bytes(32) },
  password: true,
  public: encodePublic({ ...sealedTemplate('sha256', bytes(32), true), unique: bytes(32) }),
  private: encode(sized(200), bytes(139)),
};
const plain = structuredClone;
const some = (maxLength: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ maxLength });

test('what is encoded is read back as it was, with every policy', () => {
  const pcrs = fc.option(
    fc.record({
      selection: fc
        .uniqueArray(fc.constantFrom('sha1', 'sha256', 'sha384'), { minLength: 1 })
        .map((banks) => banks.map((bank) => ({ bank, pcrs: [0, 7] }))),
      pcrDigest: some(64),
    }),
  );
  fc.assert(
    fc.property(fc.record({ pcrs, password: fc.boolean() }), ({ pcrs: asked, password }) => {
      // A password without a policy is told by emptyAuth alone.
      const file = { ...SEALED, pcrs: asked, password };
      const read = parseSealedFile(encodeSealedFile(file));
      assert.deepEqual({ ...read, public: NONE, private: NONE }, { ...plain(file), public: NONE, private: NONE });
      assert.equal(toHex(concat([read.public, read.private])), toHex(concat([file.public, file.private])));
    }),
  );
});

describe('sealed files that are refused', () => {
  const good = encodeSealedFile(SEALED);
  const der = Buffer.from(good.split('\n').slice(1, -2).join(''), 'base64');
  const pem = (content: Uint8Array): string =>
    `-----BEGIN TSS2 PRIVATE KEY-----\n${Buffer.from(content).toString('base64')}\n-----END TSS2 PRIVATE KEY-----\n`;
  const changed = (from: string, to: string): string => {
    const hex = der.toString('hex');
    assert.ok(hex.includes(from), from);
    return pem(Buffer.from(hex.replace(from, to), 'hex'));
  };

  test('the PEM that is not changed is read', () => assert.ok(parseSealedFile(pem(der)).password));
  for (const [what, text, code] of [
    ['a loadable key', changed('06066781050a0105', '06066781050a0103'), 'TPM-STRUCTURE'],
    ['another parent', changed('020440000001', '020441000001'), 'TPM-STRUCTURE'],
    ['a password and emptyAuth', changed('a003010100', 'a0030101ff'), 'TPM-STRUCTURE'],
    ['a truth value that is none', changed('a003010100', 'a003010101'), 'TPM-STRUCTURE'],
    ['a step of the policy that is not known', changed('a0040202016b', 'a0040202016c'), 'TPM-STRUCTURE'],
    ['the same step twice', changed('a0040202016b', 'a0040202017f'), 'BYTES-TRUNCATED'],
    ['bytes after it', pem(concat([der, Uint8Array.of(0)])), 'DER-FORM'],
    ['another label', good.replaceAll('TSS2 PRIVATE KEY', 'PRIVATE KEY'), 'TPM-STRUCTURE'],
    ['text before it', `x\n${good}`, 'TPM-STRUCTURE'],
    ['nothing', '', 'TPM-STRUCTURE'],
    ['a blank in its base64', good.replace(/\n(.)/, '\n $1'), 'TEXT-BASE64'],
    ['more than its limit', good + '\n'.repeat(20_000), 'BYTES-LIMIT'],
  ] as const) {
    test(what, () => assert.throws(() => parseSealedFile(text), { code }));
  }
});
