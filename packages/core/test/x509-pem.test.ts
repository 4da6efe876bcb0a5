import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fromHex, toBase64 } from '@assay/core/bytes';
import { FormatError } from '@assay/core/errors';
import { parseCertificates } from '@assay/core/x509';
import { mintAuthority } from '@assay/testkit/certificates';

const { raw } = mintAuthority('Root').certificate;
const BODY = toBase64(raw).replaceAll(/.{64}/g, '$&\n');
const PEM = `-----BEGIN CERTIFICATE-----\n${BODY}\n-----END CERTIFICATE-----\n`;

describe('parseCertificates', () => {
  test('reads each certificate of a text, past comments and with either end of line', () => {
    const text = `# first\n${PEM}\nbetween them\n${PEM.replaceAll('\n', '\r\n')}`;
    assert.deepEqual(
      parseCertificates(text).map((certificate) => certificate.raw),
      [raw, raw],
    );
  });

  test('finds none in a text without certificates', () => {
    assert.deepEqual(parseCertificates('# nothing here\n'), []);
  });

  for (const [name, text] of [
    ['cut before its end line', PEM.slice(0, -30)],
    ['empty', '-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n'],
    ['with a letter that base64 lacks', PEM.replace(BODY, `!${BODY.slice(1)}`)],
    ['with bits after its last byte', PEM.replace(/.\n-----END/, '?\n-----END')],
    ['with another one inside', `-----BEGIN CERTIFICATE-----\n${PEM}`],
  ] as const) {
    test(`refuses a certificate that is ${name}, and says on which line it begins`, () => {
      assert.throws(
        () => parseCertificates(`# a comment\n${text}`),
        (error) => error instanceof FormatError && error.code === 'PEM-FORM' && error.place.line === 2,
      );
    });
  }

  test('refuses base64 of something else', () => {
    const text = `-----BEGIN CERTIFICATE-----\n${toBase64(fromHex('0102'))}\n-----END CERTIFICATE-----\n`;
    assert.throws(() => parseCertificates(text), { code: 'DER-FORM' });
  });
});
