import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { utf8 } from '@assay/core/bytes';
import { checkedReference, emptyReference, parseReference, type ReferenceDocument } from '@assay/core/reference';

const A = `sha256:${'aa'.repeat(32)}`;
const B = `sha256:${'bb'.repeat(32)}`;
const VERITY = `verity-sha256:${'cc'.repeat(32)}`;
const CREATED = '2026-11-22T00:00:00Z';

const FULL: ReferenceDocument = {
  ...emptyReference('web-fleet', 12, CREATED),
  validUntil: '2027-01-01T00:00:00.000Z',
  note: 'Monthly update',
  pools: [
    { id: 'host:web-01', kind: 'host', name: 'web-01', digests: [] },
    {
      id: 'openssl_3.0.13_amd64',
      kind: 'package',
      name: 'openssl',
      version: '3.0.13',
      architecture: 'amd64',
      source: B,
      until: '2026-12-24T00:00:00Z',
      digests: [
        { digest: A, paths: ['/usr/bin/openssl'] },
        { digest: VERITY, paths: [] },
      ],
    },
  ],
  files: [{ path: '/usr/bin/ls', digests: [A, B] }],
  buffers: [{ name: 'kernel_version', digests: [A] }],
  keyrings: [{ name: '.ima', digests: [A] }],
  ignoredKeyrings: ['.other'],
  keys: [{ name: 'vendor', key: 'AAAA', keyId: '00ff00ff' }],
  excludes: [{ form: 'glob', pattern: '/var/lib/app/**', reason: 'Built here', owner: 'app', expires: CREATED }],
  denied: [{ digest: B, reason: 'CVE-2026-1' }],
  kernelPolicy: { paths: ['/etc/ima/ima-policy'], digests: [A] },
  bootAggregate: { banks: ['sha256'], listed: [A] },
};

const textOf = (value: unknown): string => JSON.stringify(value);
const read = (text: string) => parseReference(utf8(text));
const withMember = (change: object) => ({ ...FULL, ...change });
const pool = (change: object) => withMember({ pools: [{ ...FULL.pools[1], ...change }] });

const FORM = { name: 'FormatError', code: 'REFERENCE-FORM' };

describe('reference values', () => {
  test('are read in JSON of any layout, and have one canonical text', () => {
    const one = read(textOf(FULL));
    const members = Object.entries(FULL).toReversed();
    const other = read(JSON.stringify(Object.fromEntries(members), null, 2));
    assert.deepEqual(one.document, FULL);
    assert.deepEqual(one.canonical, other.canonical);
    assert.deepEqual(parseReference(one.canonical), one);
  });

  test('are the same after they were written and read, whatever digests and paths they hold', () => {
    const digest = fc
      .uint8Array({ minLength: 32, maxLength: 32 })
      .map((bytes) => `sha256:${Buffer.from(bytes).toString('hex')}`);
    const path = fc.stringMatching(/^\/[ -~é\u4e00]{1,20}$/);
    const digests = fc.uniqueArray(digest, { minLength: 1, maxLength: 5 }).map((list) => list.toSorted());
    const files = fc
      .uniqueArray(fc.record({ path, digests }, { noNullPrototype: true }), {
        selector: (rule) => rule.path,
        maxLength: 10,
      })
      .map((list) => list.toSorted((a, b) => (a.path < b.path ? -1 : 1)));
    fc.assert(
      fc.property(files, (rules) => {
        const document = { ...emptyReference('a', 1, CREATED), files: rules };
        assert.deepEqual(checkedReference(document).document, document);
      }),
    );
  });

  const wrong: Readonly<Record<string, unknown>> = {
    'no object': [],
    null: null,
    'no schema': withMember({ schema: undefined }),
    'another schema': withMember({ schema: 'assay.reference.v2' }),
    'an unknown member': withMember({ more: 1 }),
    'a name in capitals': withMember({ name: 'Web' }),
    'version 0': withMember({ version: 0 }),
    'a broken version': withMember({ version: 1.5 }),
    'a version of text': withMember({ version: '1' }),
    'a time of another zone': withMember({ created: '2026-11-22T00:00:00+01:00' }),
    'a day that is none': withMember({ validUntil: '2026-13-40T00:00:00Z' }),
    'a note with a control character': withMember({ note: 'a\u001b[2J' }),
    'pools that are no list': withMember({ pools: {} }),
    'two pools of one id': withMember({ pools: [FULL.pools[0], FULL.pools[0]] }),
    'pools in another order': withMember({ pools: FULL.pools.toReversed() }),
    'a pool of an unknown kind': pool({ kind: 'rpm' }),
    'a pool with an unknown member': pool({ trusted: true }),
    'a pool without digests': pool({ digests: undefined }),
    'a digest without its algorithm': pool({ digests: [{ digest: 'aa'.repeat(32), paths: [] }] }),
    'a digest in capitals': pool({ digests: [{ digest: `sha256:${'AA'.repeat(32)}`, paths: [] }] }),
    'a digest that is too short': pool({ digests: [{ digest: 'sha256:aa', paths: [] }] }),
    'a digest of an unknown algorithm': pool({ digests: [{ digest: `sha257:${'aa'.repeat(32)}`, paths: [] }] }),
    'a digest that is there twice': pool({
      digests: [
        { digest: A, paths: [] },
        { digest: A, paths: [] },
      ],
    }),
    'a path with a newline': pool({ digests: [{ digest: A, paths: ['/a\nb'] }] }),
    'a path that is there twice': pool({ digests: [{ digest: A, paths: ['/a', '/a'] }] }),
    'digests of a file in another order': withMember({ files: [{ path: '/a', digests: [B, A] }] }),
    'an exclude without a reason': withMember({ excludes: [{ ...FULL.excludes[0], reason: ' ' }] }),
    'an exclude without an owner': withMember({ excludes: [{ ...FULL.excludes[0], owner: undefined }] }),
    'an exclude without an end': withMember({ excludes: [{ ...FULL.excludes[0], expires: undefined }] }),
    'an exclude of an unknown form': withMember({ excludes: [{ ...FULL.excludes[0], form: 'perl' }] }),
    'a key id of seven digits': withMember({ keys: [{ name: 'a', key: 'AAAA', keyId: '0f00ff0' }] }),
    'an unknown bank': withMember({ bootAggregate: { banks: ['md5'], listed: [] } }),
    'a denied digest without a reason': withMember({ denied: [{ digest: A }] }),
    'a kernel policy without digests': withMember({ kernelPolicy: { paths: ['/a'] } }),
  };
  for (const [what, value] of Object.entries(wrong)) {
    test(`with ${what} are refused`, () => {
      assert.throws(() => read(textOf(value)), FORM);
    });
  }

  test('are refused as text that is not JSON, not UTF-8, or names a member twice', () => {
    const good = textOf(FULL);
    for (const text of ['', '{', `${good}x`, good.replace('"version":12', '"version":12,"version":12')]) {
      assert.throws(() => read(text), FORM, text.slice(-20));
    }
    const twice = good.replace('"reason":"CVE-2026-1"', '"reason":"a\\":b","reason":"CVE-2026-1"');
    assert.throws(() => read(twice), FORM);
    assert.throws(() => parseReference(Uint8Array.of(0x22, 0xff, 0x22)), FORM);
  });

  test('are refused when they are nested without end, and a prototype is no member', () => {
    const deep = `{"pools":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
    assert.throws(() => read(deep), { code: 'BYTES-LIMIT' });
    assert.throws(() => read(`{"__proto__":{},${textOf(FULL).slice(1)}`), FORM);
    assert.throws(() => read(textOf(withMember({ keys: [{ name: 'a', key: '*' }] }))), { code: 'TEXT-BASE64' });
  });
});
