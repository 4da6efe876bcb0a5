import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { concat, fromHex, utf8 } from '@assay/core/bytes';
import { cloudInstance } from '@assay/core/evidence';
import { DER, derElement, derUnsigned, parseCertificate } from '@assay/core/keys';
import { GCE_INSTANCE_OID, GCE_PROPERTIES, mintCertificate, type Extension } from '@assay/testkit/certificates';
import fc from 'fast-check';

const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const name = derElement(DER.sequence);

function read(...extensions: readonly Extension[]) {
  return cloudInstance(parseCertificate(mintCertificate({ key, issuer: { name, key }, extensions })));
}

const text = (value: string) => derElement(DER.utf8String, utf8(value));
const number = (value: bigint) => derUnsigned(fromHex(value.toString(16).padStart(16, '0')));
const extension = (value: Uint8Array): Extension => ({ oid: GCE_INSTANCE_OID, value });
const FIELDS = [text('europe-west4-a'), number(1n), text('project'), number(2n), text('web-03')] as const;
const withField = (at: number, field: Uint8Array) => FIELDS.map((each, index) => (index === at ? field : each));

test('a certificate without the extension of Google Compute Engine names no machine', () => {
  assert.equal(read(), undefined);
});

test('the machine of a certificate is read as it was written, with properties of confidential machines and without', () => {
  const words = fc.string({ unit: 'binary', minLength: 1, maxLength: 60 });
  const numbers = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });
  const cases = fc.tuple(words, numbers, words, numbers, words, fc.boolean());
  fc.assert(
    fc.property(cases, ([zone, project, projectId, id, instanceName, more]) => {
      const fields = [text(zone), number(project), text(projectId), number(id), text(instanceName)];
      const value = derElement(DER.sequence, ...fields, ...(more ? [GCE_PROPERTIES] : []));
      const found = read(extension(value));
      assert.deepEqual(found, {
        zone,
        projectNumber: String(project),
        projectId,
        instanceId: String(id),
        instanceName,
      });
    }),
    { numRuns: 50 },
  );
});

const whole = derElement(DER.sequence, ...FIELDS);
const malformed: Readonly<Record<string, Uint8Array>> = {
  'nothing at all': new Uint8Array(0),
  'another type': derElement(DER.set, ...FIELDS),
  'bytes behind it': concat([whole, Uint8Array.of(0)]),
  'a missing field': derElement(DER.sequence, ...FIELDS.slice(0, 4)),
  'fields in another order': derElement(DER.sequence, ...FIELDS.slice(1), FIELDS[0]),
  'a field more': derElement(DER.sequence, ...FIELDS, text('more')),
  'a field behind the properties': derElement(DER.sequence, ...FIELDS, GCE_PROPERTIES, text('more')),
  'properties twice': derElement(DER.sequence, ...FIELDS, GCE_PROPERTIES, GCE_PROPERTIES),
  'properties without a structure': derElement(DER.sequence, ...FIELDS, derElement(DER.context(0))),
  'properties of two structures': derElement(
    DER.sequence,
    ...FIELDS,
    derElement(DER.context(0), derElement(DER.sequence), derElement(DER.sequence)),
  ),
  'an empty name': derElement(DER.sequence, ...withField(4, text(''))),
  'a name that is too long': derElement(DER.sequence, ...withField(4, text('a'.repeat(257)))),
  'a name that is no UTF-8': derElement(
    DER.sequence,
    ...withField(4, derElement(DER.utf8String, Uint8Array.of(0xff, 0xfe))),
  ),
  'a name as another kind of string': derElement(DER.sequence, ...withField(4, derElement(0x13, utf8('web-03')))),
  'a negative number': derElement(DER.sequence, ...withField(3, derElement(DER.integer, Uint8Array.of(0x80)))),
  'a number without digits': derElement(DER.sequence, ...withField(3, derElement(DER.integer))),
  'a number with zeros in front': derElement(
    DER.sequence,
    ...withField(3, derElement(DER.integer, Uint8Array.of(0, 1))),
  ),
  'a number of 72 bits': derElement(
    DER.sequence,
    ...withField(3, derElement(DER.integer, new Uint8Array(9).fill(0x11))),
  ),
  'a length that is not the shortest': concat([Uint8Array.of(DER.sequence, 0x81, whole.length - 2), whole.subarray(2)]),
};
for (const [what, value] of Object.entries(malformed)) {
  test(`an extension with ${what} is refused`, () => {
    assert.throws(() => read(extension(value)), { code: 'DER-FORM' });
  });
}
