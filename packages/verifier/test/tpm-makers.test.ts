import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { toHex } from '@assay/core/bytes';
import { VerificationError } from '@assay/core/errors';
import { nodeCrypto, nodeSignatures } from '@assay/core/node';
import { nameText, verifyPath } from '@assay/core/x509';
import { readTpmMakers } from '@assay/verifier/tpm-makers';

/** A time at which all of them are valid. */
const NOW = Date.UTC(2026, 5, 1);
const USE = '6781050801';

const { roots, intermediates } = await readTpmMakers();

describe('the authorities of TPM makers', () => {
  test('stand each under its own fingerprint and the address that it comes from', async () => {
    for (const [name, certificates] of Object.entries({ roots, intermediates })) {
      const text = await readFile(new URL(`../data/tpm-makers/${name}.pem`, import.meta.url), 'utf8');
      const written = [
        ...text.matchAll(/^# \S.*\n# https?:\/\/\S+\n# sha256 ([0-9a-f]{64})\n-----BEGIN CERTIFICATE-----$/gm),
      ];
      const computed = certificates.map(({ raw }) => toHex(nodeCrypto.hasher.digest('sha256', raw)));
      assert.deepEqual(
        written.map((match) => match[1]),
        computed,
      );
      assert.equal(new Set(computed).size, computed.length, 'none stands there twice');
    }
  });

  test('lead each to a trusted one', () => {
    for (const leaf of intermediates) {
      // Whoever vouches for TPMs may not be a TPM: that is the last thing which is looked at, once the path holds.
      assert.throws(
        () => verifyPath({ leaf, intermediates, anchors: roots, use: USE, now: NOW }, nodeSignatures),
        (error) =>
          error instanceof VerificationError &&
          error.code === 'CERT-AUTHORITY' &&
          / is an authority/.test(error.message),
        nameText(leaf.subject),
      );
    }
  });
});
