import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { utf8 } from '@assay/core/bytes';
import { digestText } from '@assay/core/measurement';
import { nodeHasher } from '@assay/core/node';
import { SimulatedList } from '@assay/testkit/evidence';
import fc from 'fast-check';
import { z } from 'zod';
import { compareSides } from '../src/log/difference.ts';
import { itemKey, type Item, type Side } from '../src/log/side.ts';
import { assay, assertFails, documentIn, ROOT, scratch, UNSAFE, type Ended } from './assay.ts';
import { eventually, host, startUp } from './up.ts';

const VECTORS = `${ROOT}packages/core/test/vectors/lists`;
const SIG = `${VECTORS}/ima-sig/binary_runtime_measurements_sha256`;

const Difference = z.strictObject({
  change: z.enum(['only-a', 'only-b', 'other-digest', 'other-algorithm', 'other-name']),
  kind: z.enum(['file', 'buffer', 'violation', 'boot-aggregate']),
  nameA: z.string().optional(),
  nameB: z.string().optional(),
  digestsA: z.array(z.string()),
  digestsB: z.array(z.string()),
});
const SideDocument = z.strictObject({ source: z.string(), entries: z.int(), different: z.int() });

/** The document of `assay log diff -o json`. */
const Diff = z.strictObject({
  schema: z.literal('assay.log-diff.v1'),
  a: SideDocument,
  b: SideDocument,
  same: z.int(),
  counts: z.record(Difference.shape.change, z.int()),
  differences: z.array(Difference),
});

function diffOf(ended: Ended): z.infer<typeof Diff> {
  assert.equal(ended.stderr, '');
  return Diff.parse(documentIn(ended));
}

const digestOf = (text: string): Uint8Array => nodeHasher.digest('sha256', utf8(text));
const shownDigest = (text: string): string => digestText({ algorithm: 'sha256', value: digestOf(text) });

/** Files by their name and content; `!name` is a violation. */
function listOf(path: string, files: readonly (readonly [name: string, content: string])[]): string {
  const list = new SimulatedList();
  list.begin(digestOf('boot'));
  for (const [name, content] of files) {
    if (name.startsWith('!')) list.violate(name.slice(1));
    else list.measure(name, digestOf(content));
  }
  writeFileSync(path, list.bytes());
  return path;
}

test('log diff of a list with itself, in another bank and form: nothing differs, exit code 0', async () => {
  const text = await assay(['log', 'diff', SIG, SIG]);
  assert.deepEqual([text.code, text.stderr], [0, '']);
  assert.match(text.stdout, /\nnothing differs: 18 are the same\n$/);
  const other = `${VECTORS}/ima-sig/ascii_runtime_measurements_sha1`;
  const json = await assay(['log', 'diff', SIG, other, '-o', 'json']);
  const { a, b, same, differences } = diffOf(json);
  assert.deepEqual([json.code, a.entries, b.source, same, differences], [0, 18, other, 18, []]);
});

test('log diff says what one list has and the other has not: by name, by digest, by both', async (t) => {
  const directory = scratch(t);
  const a = listOf(`${directory}/a_sha256`, [
    ['/bin/same', 'same'],
    ['/bin/removed', 'removed'],
    ['/bin/updated', 'old'],
    ['/bin/moved', 'moved'],
    ['!/bin/busy', ''],
  ]);
  const b = listOf(`${directory}/b_sha256`, [
    ['/bin/same', 'same'],
    ['/bin/updated', 'new'],
    ['/opt/moved', 'moved'],
    ['/bin/added', 'added'],
  ]);
  const expected = [
    { change: 'only-a', kind: 'file', nameA: '/bin/removed', digestsA: [shownDigest('removed')], digestsB: [] },
    { change: 'only-a', kind: 'violation', nameA: '/bin/busy', digestsA: [], digestsB: [] },
    { change: 'only-b', kind: 'file', nameB: '/bin/added', digestsA: [], digestsB: [shownDigest('added')] },
    {
      change: 'other-digest',
      kind: 'file',
      nameA: '/bin/updated',
      nameB: '/bin/updated',
      digestsA: [shownDigest('old')],
      digestsB: [shownDigest('new')],
    },
    {
      change: 'other-name',
      kind: 'file',
      nameA: '/bin/moved',
      nameB: '/opt/moved',
      digestsA: [shownDigest('moved')],
      digestsB: [shownDigest('moved')],
    },
  ];
  const json = await assay(['log', 'diff', a, b, '-o', 'json']);
  assert.equal(json.code, 1);
  const document = diffOf(json);
  assert.deepEqual(document.differences, expected);
  assert.deepEqual(document.counts, {
    'only-a': 2,
    'only-b': 1,
    'other-digest': 1,
    'other-algorithm': 0,
    'other-name': 1,
  });
  assert.equal(document.same, 2);
  const lines = await assay(['log', 'diff', a, b, '-o', 'jsonl']);
  assert.equal(lines.code, 1);
  assert.deepEqual(
    lines.stdout
      .trimEnd()
      .split('\n')
      .map((line): unknown => JSON.parse(line)),
    expected.map((one) => ({ schema: 'assay.log-difference.v1', ...one })),
  );
  const csv = await assay(['log', 'diff', a, b, '-o', 'csv']);
  assert.deepEqual(csv.stdout.split('\r\n').slice(0, 3), [
    'change,kind,nameA,nameB,digestsA,digestsB',
    `only-a,file,/bin/removed,,${shownDigest('removed')},`,
    'only-a,violation,/bin/busy,,,',
  ]);
  const text = await assay(['log', 'diff', a, b]);
  assert.equal(text.code, 1);
  assert.match(text.stdout, /\n2 the same, 5 differences\n\nOnly in A \(2\)\n {2}\/bin\/removed\n {4}sha256:/);
  assert.match(text.stdout, /\n {2}\/bin\/busy {2}\(violation\)\n/);
  assert.match(text.stdout, /another digest \(1\)\n {2}\/bin\/updated\n {4}A sha256:[0-9a-f]+\n {4}B sha256:/);
  const files = diffOf(await assay(['log', 'diff', a, b, '--files', '-o', 'json']));
  assert.deepEqual(
    files.differences,
    expected.filter(({ kind }) => kind === 'file'),
  );
  assert.equal(files.same, 1, 'boot_aggregate is no file');
});

test('digests of different algorithms are not said to be of different files', async () => {
  const json = await assay(['log', 'diff', SIG, SIG.replace('ima-sig', 'ima-ng'), '-o', 'json']);
  assert.equal(json.code, 1);
  const { counts } = diffOf(json);
  assert.deepEqual([counts['other-digest'], counts['other-algorithm']], [0, 12]);
});

test('hostile names are escaped in every form, and two of them are never taken for one', async (t) => {
  const directory = scratch(t);
  const a = listOf(`${directory}/a_sha256`, [['/\u001b[2J\n\u202e', 'x']]);
  const b = listOf(`${directory}/b_sha256`, [['/\\x1b[2J\\x0a\\u{202e}', 'y']]);
  for (const format of ['text', 'json', 'jsonl', 'csv']) {
    const { code, stdout } = await assay(['log', 'diff', a, b, '-o', format]);
    assert.equal(code, 1);
    assert.ok(!UNSAFE.test(stdout.replaceAll('\r\n', '\n')), JSON.stringify(stdout));
  }
  const { counts } = diffOf(await assay(['log', 'diff', a, b, '-o', 'json']));
  assert.deepEqual([counts['only-a'], counts['only-b']], [1, 1]);
});

test('log diff: what is no list is an error with its code, whichever side it is', async (t) => {
  const empty = `${scratch(t)}/empty`;
  writeFileSync(empty, '');
  await assertFails(['log', 'diff', empty, SIG], { code: 'LIST-EMPTY', exit: 3 });
  await assertFails(['log', 'diff', SIG, empty], { code: 'LIST-EMPTY', exit: 3 });
  await assertFails(['log', 'diff', SIG, '/nowhere'], { code: 'ENOENT', exit: 3 });
  await assertFails(['log', 'diff', SIG, 'host:x', '--url', 'http://127.0.0.1:9'], {
    code: 'VERIFIER-UNREACHABLE',
    exit: 4,
  });
});

const item = fc.record<Item>({
  kind: fc.constantFrom('file', 'buffer'),
  name: fc.constantFrom('/a', '/b', '/c', '/d'),
  digest: fc.constantFrom('sha256:1', 'sha256:2', 'sha256:3', 'sha1:1'),
});
const side = fc.array(item, { maxLength: 12 }).map((items): Side => {
  return { source: '', entries: items.length, items: new Map(items.map((one) => [itemKey(one), one])) };
});

test('every item of one side alone is in a difference, in exactly one, and no item of both is', () => {
  fc.assert(
    fc.property(side, side, (a, b) => {
      const { same, differences } = compareSides(a, b);
      assert.equal(differences.length === 0, same === a.items.size && same === b.items.size);
      for (const [own, other, of] of [
        [a, b, 'A'],
        [b, a, 'B'],
      ] as const) {
        for (const [key, { kind, name, digest }] of own.items) {
          const found = differences.filter(
            (one) => one.kind === kind && one[`name${of}`] === name && one[`digests${of}`].includes(digest),
          );
          const exact = found.filter(({ change }) => change !== 'other-name');
          if (other.items.has(key)) assert.equal(exact.length, 0);
          else assert.ok(found.length >= 1 && exact.length <= 1, JSON.stringify([key, found]));
        }
      }
    }),
  );
});

test('the sides changed, so are the differences', () => {
  const turned = { 'only-a': 'only-b', 'only-b': 'only-a' } as const;
  fc.assert(
    fc.property(side, side, (a, b) => {
      const there = compareSides(a, b).differences.map(({ change, kind, nameA, nameB, digestsA, digestsB }) =>
        JSON.stringify([turned[change as keyof typeof turned] ?? change, kind, nameB, nameA, digestsB, digestsA]),
      );
      const back = compareSides(b, a).differences.map(({ change, kind, nameA, nameB, digestsA, digestsB }) =>
        JSON.stringify([change, kind, nameA, nameB, digestsA, digestsB]),
      );
      assert.deepEqual(back.toSorted(), there.toSorted());
    }),
  );
});

test('hosts are compared by what the verifier has of them, with each other and with a list', {
  timeout: 120_000,
}, async (t) => {
  const up = await startUp(t, ['--fleet']);
  await eventually('both lists stand still', async () => {
    const lists = await Promise.all(['web-01', 'web-02'].map((name) => host(up, name)));
    return lists.every(({ host: { list } }) => list.entries === 17);
  });
  const same = await up.ask('log', 'diff', 'host:web-01', 'host:web-02', '-o', 'json');
  assert.equal(same.code, 0, same.stderr);
  assert.deepEqual(diffOf(same).a, { source: 'host:web-01', entries: 17, different: 17 });
  const golden = listOf(`${scratch(t)}/golden_sha256`, [['/opt/golden', 'x']]);
  const other = await up.ask('log', 'diff', golden, 'host:web-01', '--files', '-o', 'json');
  assert.equal(other.code, 1);
  const { counts } = diffOf(other);
  assert.deepEqual([counts['only-a'], counts['only-b']], [1, 16]);
  const missing = await up.ask('log', 'diff', golden, 'host:nobody');
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /^error REQUEST-NOT-FOUND: /);
});
