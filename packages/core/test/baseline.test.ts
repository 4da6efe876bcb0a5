import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  BaselineReader,
  comparePaths,
  encodeEnd,
  encodeHeader,
  encodeObject,
  parseObject,
  pathOfText,
  signBaseline,
  signedBytes,
  textOfPath,
  verifyBaseline,
  type BaselineHeader,
  type BaselineObject,
  type BaselineSigner,
  type ParsedBaseline,
} from '@assay/core/baseline';
import { utf8 } from '@assay/core/bytes';
import { FormatError, VerificationError } from '@assay/core/errors';
import { keyIdOfPublicKey, parsePublicKey, type PublicKey } from '@assay/core/keys';
import { nodeCrypto, nodeHasher } from '@assay/core/node';

const HEADER: BaselineHeader = {
  created: '2026-11-22T08:00:00.000Z',
  tool: 'assay 0.1.0',
  algorithm: 'sha256',
  roots: [{ path: '/usr', fileSystem: 'ef53' }],
  include: [],
  exclude: ['*.pyc'],
  oneFileSystem: true,
};

const FILE: BaselineObject = {
  path: '/usr/bin/ls',
  type: 'file',
  mode: 0o755,
  uid: 0,
  gid: 0,
  size: 3,
  links: 1,
  inode: '12',
  mtime: '1700000000.000000001',
  ctime: '1700000000.000000002',
  digest: `sha256:${'ab'.repeat(32)}`,
};

const bytes = fc.uint8Array({ minLength: 1, maxLength: 40 }).map((each) => Buffer.from(each).toString('latin1'));
const paths = bytes.map((name) => `/${name}`);

function linesOf(objects: readonly BaselineObject[], header = HEADER): string[] {
  const body = [encodeHeader(header), ...objects.map(encodeObject)];
  const digest = createHash('sha256')
    .update(body.map((line) => `${line}\n`).join(''))
    .digest();
  return [...body, encodeEnd(objects.length, digest)];
}

function read(text: string | Uint8Array, size = 1 << 20): { objects: BaselineObject[]; parsed: ParsedBaseline } {
  const reader = new BaselineReader(createHash('sha256'));
  const all = typeof text === 'string' ? utf8(text) : text;
  const objects: BaselineObject[] = [];
  for (let at = 0; at < all.length; at += size) objects.push(...reader.push(all.subarray(at, at + size)));
  return { objects, parsed: reader.finish() };
}

function joined(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}

function keyOf({ publicKey, privateKey }: { publicKey: KeyObject; privateKey: KeyObject }): BaselineSigner {
  const key = parsePublicKey(Uint8Array.from(publicKey.export({ format: 'der', type: 'spki' })));
  const end = utf8(linesOf([FILE]).at(-1) ?? '');
  return {
    publicKey: key,
    keyId: keyIdOfPublicKey(nodeHasher, key),
    // A signer is given the digest; node:crypto signs messages, so this one knows the only message.
    signer: { sign: async () => Uint8Array.from(sign('sha256', signedBytes(end), privateKey)) },
  };
}

const EC = keyOf(generateKeyPairSync('ec', { namedCurve: 'prime256v1' }));
const RSA = keyOf(generateKeyPairSync('rsa', { modulusLength: 2048 }));

describe('paths of baselines', () => {
  test('survive whatever bytes they have', () => {
    fc.assert(fc.property(paths, (path) => assert.equal(pathOfText(textOfPath(path)), path)));
  });

  test('have one text only', () => {
    for (const text of ['/\\x41', '/\\', '/\\u{61}', '/\n', '/\\x0A', '/\\u{110000}', '/\\u{d800}', '/\\x5c']) {
      assert.throws(() => pathOfText(text), { code: 'BASELINE-FORM' }, text);
    }
  });

  test('stand in the order of a walk that goes into directories at once', () => {
    const walked = ['/a', '/a/b', '/a/b/c', '/a/z', '/a!', '/a-b', '/a.', '/b'];
    assert.deepEqual(walked.toReversed().toSorted(comparePaths), walked);
  });
});

describe('lines of baselines', () => {
  const object = fc.record(
    {
      path: paths,
      mode: fc.integer({ min: 0, max: 0o7777 }),
      uid: fc.integer({ min: 0, max: 0xffff_ffff }),
      size: fc.maxSafeNat(),
      xattrs: fc
        .uniqueArray(fc.string({ minLength: 1, maxLength: 20 }).filter((name) => !name.includes('\0')))
        .map((names) => names.toSorted().map((name): [string, string] => [name, '00ff'])),
      sameAs: paths,
    },
    { requiredKeys: ['path'] },
  );

  test('are read as they were written', () => {
    fc.assert(
      fc.property(object, (fields) => {
        const line = encodeObject({ ...FILE, ...fields });
        assert.equal(encodeObject(parseObject(line)), line);
      }),
    );
  });

  const line = encodeObject(FILE);
  const MALFORMED: Readonly<Record<string, string>> = {
    'no JSON': '{',
    'no object': '[]',
    'a blank more': line.replace('":"', '": "'),
    'an unknown field': line.replace('}', ',"more":1}'),
    'a field twice': line.replace('{', '{"uid":0,'),
    'another order of fields': line.replace('"uid":0,"gid":0', '"gid":0,"uid":0'),
    'a relative path': line.replace('/usr/bin/ls', 'ls'),
    'an unknown type': line.replace('"file"', '"door"'),
    'a mode in decimal': line.replace('0755', '755'),
    'a mode over its bits': line.replace('0755', '10755'),
    'a negative owner': line.replace('"uid":0', '"uid":-1'),
    'a size that is no whole number': line.replace('"size":3', '"size":3.5'),
    'a size over what is exact': line.replace('"size":3', '"size":1e300'),
    'an inode with a zero in front': line.replace('"12"', '"012"'),
    'a time without its decimals': line.replace('.000000001', ''),
    'a digest in capitals': line.replaceAll('ab', 'AB'),
    'a file without digest and reason': encodeObject(FILE).replace(/,"digest":"[^"]*"/, ''),
    'a file with a target': encodeObject({ ...FILE, target: 'x' }),
    'a link without a target': line.replace('"file"', '"link"'),
    'a device number for a file': encodeObject({ ...FILE, device: '1:3' }),
    'a directory with another name': encodeObject({ ...FILE, type: 'directory', sameAs: '/a' }),
    'attributes out of order': encodeObject({
      ...FILE,
      xattrs: [
        ['b', ''],
        ['a', ''],
      ],
    }),
    'an attribute twice': encodeObject({
      ...FILE,
      xattrs: [
        ['a', ''],
        ['a', ''],
      ],
    }),
    'an attribute that is no pair': line.replace('}', ',"xattrs":[["a"]]}'),
    'an attribute of odd digits': encodeObject({ ...FILE, xattrs: [['a', '0']] }),
  };
  for (const [name, malformed] of Object.entries(MALFORMED)) {
    test(`with ${name} are refused`, () => {
      assert.throws(() => parseObject(malformed), { name: 'FormatError', code: 'BASELINE-FORM' });
    });
  }
});

describe('BaselineReader', () => {
  const second = { ...FILE, path: '/usr/bin/\u00ff\n', sameAs: '/usr/bin/ls' };
  const whole = linesOf([FILE, second]);

  test('gives header, objects and end, however the bytes are cut', () => {
    for (const size of [1, 7, 1000, 1 << 20]) {
      const { objects, parsed } = read(joined(whole), size);
      assert.deepEqual(objects, [FILE, second]);
      assert.deepEqual(parsed.header, HEADER);
      assert.equal(parsed.objects, 2);
    }
  });

  test('keeps nothing of the memory that it was given', () => {
    const reader = new BaselineReader(createHash('sha256'));
    const [memory, text] = [Buffer.alloc(100), Buffer.from(joined(whole))];
    let count = 0;
    for (let at = 0; at < text.length; at += memory.length) {
      const length = text.copy(memory, 0, at);
      count += [...reader.push(memory.subarray(0, length))].length;
    }
    assert.equal(count, reader.finish().objects);
  });

  const [header = '', one = '', two = '', end = ''] = whole;
  const REFUSED: Readonly<Record<string, readonly [string | Uint8Array, string]>> = {
    nothing: ['', 'BASELINE-FORM'],
    'no header': [joined([one, two, end]), 'BASELINE-FORM'],
    'another schema': [joined([header.replace('v1', 'v2'), one, two, end]), 'BASELINE-FORM'],
    'a header with a blank more': [joined([header.replace(',', ', '), one, two, end]), 'BASELINE-FORM'],
    'a hash that nobody knows': [
      joined(linesOf([], HEADER).map((each) => each.replace('"sha256",', '"sha257",'))),
      'HASH-UNKNOWN',
    ],
    'no root': [joined(linesOf([], { ...HEADER, roots: [] })), 'BASELINE-FORM'],
    'a root below another': [
      joined(linesOf([], { ...HEADER, roots: ['/usr', '/usr/bin'].map((path) => ({ path, fileSystem: '1' })) })),
      'BASELINE-FORM',
    ],
    'no end': [joined([header, one, two]), 'BASELINE-FORM'],
    'a cut line': [joined(whole).slice(0, -1), 'BASELINE-FORM'],
    'a line taken away': [joined([header, two, end]), 'BASELINE-DIGEST'],
    'a line changed': [joined([header, one.replace('0755', '4755'), two, end]), 'BASELINE-DIGEST'],
    'another count': [joined([header, one, two, end.replace(':2,', ':3,')]), 'BASELINE-DIGEST'],
    'paths out of order': [joined(linesOf([second, FILE])), 'BASELINE-FORM'],
    'a path twice': [joined(linesOf([FILE, FILE])), 'BASELINE-FORM'],
    'a first name that comes later': [joined(linesOf([{ ...FILE, sameAs: '/usr/bin/z' }])), 'BASELINE-FORM'],
    'a line after the end': [joined([...whole, one]), 'BASELINE-FORM'],
    'an empty line after the end': [`${joined(whole)}\n`, 'BASELINE-FORM'],
    'bytes that are no UTF-8': [Buffer.from(joined(whole).replace('tool', 't\u00ffol'), 'latin1'), 'BASELINE-FORM'],
  };
  for (const [name, [text, code]] of Object.entries(REFUSED)) {
    test(`refuses ${name}`, () => {
      assert.throws(() => read(text), { code });
    });
  }

  test('refuses an end that is written in another form, though it says the same', () => {
    for (const other of [end.replace(':2,', ': 2,'), end.replace(/^\{(.*?),(.*)\}$/, '{$2,$1}'), `${end} `]) {
      assert.notEqual(other, end);
      assert.throws(() => read(joined([header, one, two, other])), { code: 'BASELINE-FORM' });
    }
  });

  test('refuses every change of a byte', () => {
    const text = Buffer.from(joined(whole));
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.integer({ min: 1, max: 255 }), (at, by) => {
        const changed = Buffer.from(text);
        changed[at] = (changed[at] ?? 0) ^ by;
        assert.throws(
          () => read(changed),
          (error) => error instanceof FormatError || error instanceof VerificationError,
        );
      }),
    );
  });

  test('says the line of what is wrong', () => {
    assert.throws(() => read(joined([header, one, '{}', end])), { place: { line: 3 } });
  });
});

describe('signatures of baselines', () => {
  const lines = linesOf([FILE]);
  const end = utf8(lines.at(-1) ?? '');
  const keys: readonly (readonly [string, BaselineSigner])[] = [
    ['ECDSA', EC],
    ['RSA', RSA],
  ];

  for (const [name, signer] of keys) {
    test(`by ${name} verify with their key, and with no other`, async () => {
      const { parsed } = read(joined([...lines, await signBaseline(end, signer, nodeCrypto)]));
      const others: PublicKey[] = keys.map(([, each]) => each.publicKey).filter((key) => key !== signer.publicKey);
      const verified = verifyBaseline(parsed, [...others, signer.publicKey], nodeCrypto);
      assert.equal(verified.key, signer.publicKey);
      assert.ok(verified.isSame(parsed));
      assert.throws(() => verifyBaseline(parsed, others, nodeCrypto), { code: 'BASELINE-SIGNATURE' });
    });
  }

  test('of another baseline do not verify', async () => {
    const envelope = await signBaseline(end, EC, nodeCrypto);
    assert.throws(() => read(joined([...linesOf([]), envelope])), { code: 'BASELINE-FORM' });
  });

  test('are 1 to 16', async () => {
    const envelope = await signBaseline(end, EC, nodeCrypto);
    const { payload, payloadType, signatures } = JSON.parse(envelope) as Record<string, unknown[]>;
    for (const count of [0, 17]) {
      const many = { payload, payloadType, signatures: Array.from({ length: count }, () => signatures?.[0]) };
      assert.throws(() => read(joined([...lines, JSON.stringify(many)])), {
        code: 'BASELINE-FORM',
        message: /1 to 16/,
      });
    }
  });

  test('of another form than their key makes do not verify', async () => {
    const { parsed } = read(joined([...lines, await signBaseline(end, RSA, nodeCrypto)]));
    assert.throws(() => verifyBaseline(parsed, [EC.publicKey], nodeCrypto), { code: 'BASELINE-SIGNATURE' });
  });

  test('that were taken away are missed', () => {
    const { parsed } = read(joined(lines));
    assert.throws(() => verifyBaseline(parsed, [EC.publicKey], nodeCrypto), { code: 'BASELINE-SIGNATURE' });
  });

  test('are not made where the public key does not verify them', async () => {
    const mixed = { ...EC, publicKey: RSA.publicKey };
    await assert.rejects(signBaseline(end, mixed, nodeCrypto), { code: 'SIGNER-FAILED' });
  });

  test('are over what DSSE says', () => {
    const type = 'application/vnd.assay.baseline-end+json';
    assert.equal(Buffer.from(signedBytes(utf8('{}'))).toString(), `DSSEv1 ${type.length} ${type} 2 {}`);
  });
});
