import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { checkEndorsementKey, EK_ECC_P256, encodePublic, parsePublic } from '@assay/core/tpm';
import { hostIdOf } from '../src/enrolment/keys.ts';

/** One key in 256 has an x-coordinate that begins with a zero byte. */
function pointWithLeadingZero(): { x: Buffer; y: Buffer } {
  for (;;) {
    const { x = '', y = '' } = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' });
    const point = { x: Buffer.from(x, 'base64url'), y: Buffer.from(y, 'base64url') };
    if (point.x[0] === 0) return point;
  }
}

test('an endorsement key is the same host whether its TPM writes the leading zero of a coordinate or not', () => {
  const { x, y } = pointWithLeadingZero();
  const [padded, stripped] = [x, x.subarray(1)].map((written) => {
    const area = parsePublic(encodePublic({ ...EK_ECC_P256, x: written, y }));
    return { raw: area.raw, id: hostIdOf(checkEndorsementKey(area)) };
  });
  assert.notDeepEqual(padded?.raw, stripped?.raw);
  assert.equal(padded?.id, stripped?.id);
});
