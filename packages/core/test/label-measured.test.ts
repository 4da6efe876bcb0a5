import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { toHex, utf8 } from '@assay/core/bytes';
import type { HashName } from '@assay/core/hash';
import { parseCertificate } from '@assay/core/keys';
import { measuredParts, verifyModsig, type MeasuredParts } from '@assay/core/label';
import { filenameHint, parseBinaryList, type EntryFields, type MeasurementEntry } from '@assay/core/measurement';
import { nodeCrypto, nodeHasher } from '@assay/core/node';
import fc from 'fast-check';

const vector = (path: string): Buffer => readFileSync(new URL(`vectors/${path}`, import.meta.url));

function entriesOf(folder: string, bank: HashName): MeasurementEntry[] {
  const suffix = bank === 'sha1' ? '' : `_${bank}`;
  return parseBinaryList(vector(`lists/${folder}/binary_runtime_measurements${suffix}`), { bank }).entries;
}

function partsOf(entries: readonly MeasurementEntry[], number: number): MeasuredParts {
  const entry = entries[number - 1];
  assert.ok(entry !== undefined);
  return measuredParts(nodeHasher, entry.fields);
}

const BUFS = entriesOf('7.3-bufs', 'sha256');
const KEXEC = entriesOf('7.3-kexec', 'sha256');

test('keys that a kernel measured are certificates, under the key ids by which labels name them', () => {
  const keys = [5, 6, 7].map((number) => partsOf(BUFS, number).buffer);
  assert.deepEqual(
    keys.map((key) => key?.kind === 'key' && [key.keyring, key.keyId, key.certificate.publicKey.kind]),
    [
      ['_ima', 0x46e12569, 'rsa'],
      ['_ima', 0x321800db, 'ecc'],
      ['_ima', 0x5b34eee6, 'ecc'],
    ],
  );
  const [first] = keys;
  assert.ok(first?.kind === 'key');
  assert.deepEqual(first.certificate, parseCertificate(vector('labels/rsa2048.der')));
});

test('what a kernel said of a kexec and of its policy is text, in pairs where it has them', () => {
  assert.deepEqual(partsOf(KEXEC, 16).buffer, {
    kind: 'text',
    event: 'kexec_execute',
    text: 'kexec_segment_size=4096;ima_binary_runtime_size=2067;ima_runtime_measurements_count=15;',
    pairs: [
      ['kexec_segment_size', '4096'],
      ['ima_binary_runtime_size', '2067'],
      ['ima_runtime_measurements_count', '15'],
    ],
  });
  const line = partsOf(KEXEC, 10).buffer;
  assert.ok(line?.kind === 'text' && line.event === 'kexec-cmdline' && line.pairs === undefined);
  assert.match(line.text, /^console=ttyS0 panic=-1 .* second=1$/);
  assert.deepEqual(partsOf(KEXEC, 18).buffer, { kind: 'text', event: 'kernel_version', text: '7.3.0-rc7-imatest' });
  const policy = partsOf(BUFS, 3).buffer;
  assert.ok(policy?.kind === 'text' && policy.text === 'audit fowner=3999\n');
});

test('signatures are of versions 2 and 3 and of both attributes, with the key that made them', () => {
  const shown = [13, 17, 21].map((number) => {
    const { signature, evmSignature } = partsOf(BUFS, number);
    const label = signature ?? evmSignature;
    return label?.kind === 'signature' && [label.type, label.version, label.keyId, label.signature.length];
  });
  assert.deepEqual(shown, [
    [3, 2, 0x46e12569, 256],
    [3, 3, 0x321800db, 71],
    [5, 2, 0x46e12569, 256],
  ]);
  const custom = entriesOf('6.12-custom', 'sha256');
  const portable = partsOf(custom, 8);
  assert.ok(portable.signature?.kind === 'signature' && portable.evmSignature?.kind === 'signature');
  assert.equal(portable.signature.type, 5, 'without a signature in security.ima, `sig` holds the portable one');
});

test('owner, mode and attributes stand together, each attribute with its own value', () => {
  const { owner, xattrs } = partsOf(BUFS, 22);
  assert.deepEqual(owner, { uid: 3002, gid: 0, mode: 0o100644 });
  assert.ok(xattrs?.kind === 'xattrs');
  const [ima, capability] = xattrs.list;
  assert.deepEqual(
    xattrs.list.map(({ name, length }) => [name, length]),
    [
      ['security.ima', 34],
      ['security.capability', 20],
    ],
  );
  assert.match(toHex(ima?.value ?? new Uint8Array(0)), /^0404/);
  assert.match(toHex(capability?.value ?? new Uint8Array(0)), /^0100000202/);
});

test('an appended signature comes with the digest of the file without it', () => {
  const { modsig } = partsOf(BUFS, 10);
  assert.equal(modsig?.digest?.algorithm, 'sha512');
  assert.ok(modsig?.signature?.kind === 'cms' && modsig.digest !== undefined);
  assert.equal(modsig.signature.raw.length, 406);
  const signer = parseCertificate(vector('labels/rsa2048.der'));
  const verified = verifyModsig(modsig.signature, modsig.digest, [signer], nodeCrypto);
  assert.equal(verified.certificate, signer, 'a kernel took the signature of this key');
  assert.deepEqual(partsOf(BUFS, 16), {}, 'a file without one carries nothing');
});

test('every part of every list of a kernel can be read', () => {
  const lists = [...BUFS, ...KEXEC, ...entriesOf('6.1', 'sha1'), ...entriesOf('6.12-custom', 'sha256')];
  for (const { fields } of lists) {
    const { signature, evmSignature, buffer, xattrs } = measuredParts(nodeHasher, fields);
    for (const part of [signature, evmSignature, buffer, xattrs]) {
      assert.notEqual(part?.kind, 'unreadable', filenameHint(fields));
    }
  }
});

const hash = { algorithm: 'sha256' as const, value: new Uint8Array(32) };

const UNREADABLE: readonly (readonly [what: string, fields: EntryFields, part: keyof MeasuredParts, code: string])[] = [
  ['a signature of no type', { signature: Uint8Array.of(9, 2, 4) }, 'signature', 'LABEL-FORM'],
  [
    'a digest in place of a signature',
    { signature: Uint8Array.of(1, ...hash.value.subarray(12)) },
    'signature',
    'LABEL-FORM',
  ],
  ['a signature cut short', { evmSignature: Uint8Array.of(5, 2, 4, 0, 0) }, 'evmSignature', 'BYTES-TRUNCATED'],
  [
    'a signature with bytes behind it',
    { signature: Uint8Array.of(3, 2, 4, 1, 2, 3, 4, 0, 1, 9, 9) },
    'signature',
    'BYTES-TRAILING',
  ],
  ['a key that is no certificate', { name: utf8('.ima'), buffer: Uint8Array.of(0x30, 1, 0) }, 'buffer', 'DER-FORM'],
  ['more lengths than names', { xattrNames: ['a'], xattrLengths: [0, 0] }, 'xattrs', 'LIST-FIELD'],
  [
    'values of other lengths',
    { xattrNames: ['a'], xattrLengths: [2], xattrValues: hash.value },
    'xattrs',
    'LIST-FIELD',
  ],
];

for (const [what, fields, part, code] of UNREADABLE) {
  test(`${what} is told with its code and its bytes, and nothing is thrown`, () => {
    const found = measuredParts(nodeHasher, fields)[part];
    assert.ok(found !== undefined && 'kind' in found && found.kind === 'unreadable', JSON.stringify(found));
    assert.equal(found.problem.code, code);
    assert.ok(found.raw.length > 0 || part === 'xattrs');
  });
}

test('a buffer is what its event makes it: digest, text, else bytes', () => {
  const read = (name: string, buffer: Uint8Array) => measuredParts(nodeHasher, { name: utf8(name), buffer }).buffer;
  assert.equal(read('selinux-policy-hash', hash.value)?.kind, 'digest');
  assert.equal(read('selinux-state', utf8('initialized=1;enforcing=0;'))?.kind, 'text');
  assert.equal(read('selinux-state', Uint8Array.of(0x1b, 0x5b))?.kind, 'data', 'control characters are no text');
  assert.equal(read('own-event', Uint8Array.of(0xff))?.kind, 'data');
  assert.equal(read('kexec-cmdline', vector('labels/p256.der'))?.kind, 'data', 'no key where an event is known');
  assert.equal(read('some keyring', vector('labels/p256.der'))?.kind, 'key');
  assert.equal(read('.platform', utf8('no certificate'))?.kind, 'unreadable');
  assert.equal(measuredParts(nodeHasher, { buffer: new Uint8Array(0) }).buffer, undefined);
});

test('any bytes in any field give parts, never an error', () => {
  const bytes = fc.uint8Array({ maxLength: 60 });
  const fields = fc.record(
    {
      name: fc.oneof(bytes, fc.constantFrom('.ima', 'kexec_load', 'init_module').map(utf8)),
      signature: bytes,
      evmSignature: bytes,
      buffer: bytes,
      modsig: bytes,
      uid: fc.nat(),
      xattrNames: fc.array(fc.string()),
      xattrLengths: fc.array(fc.nat({ max: 60 })),
      xattrValues: bytes,
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(fields, (given) => {
      const parts = measuredParts(nodeHasher, given);
      assert.equal(parts.signature === undefined, (given.signature ?? []).length === 0);
      assert.equal(parts.owner === undefined, given.uid === undefined);
    }),
  );
});
