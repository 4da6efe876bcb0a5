import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { test } from 'node:test';
import { utf8 } from '@assay/core/bytes';
import { parseBinaryList } from '@assay/core/measurement';
import { nodeHasher } from '@assay/core/node';
import { SimulatedList } from '@assay/testkit/evidence';
import fc from 'fast-check';
import { z } from 'zod';
import { kernelMemory } from '../src/log/kernel-memory.ts';
import { Relation } from '../src/log/relation.ts';
import { Greatest, Tally } from '../src/log/tally.ts';
import { ASSAY, assay, assertFails, documentIn, ROOT, scratch, UNSAFE } from './assay.ts';

const VECTORS = `${ROOT}packages/core/test/vectors/lists`;
const OLD = `${VECTORS}/6.1/binary_runtime_measurements`;
const KEXEC = `${VECTORS}/7.3-kexec/binary_runtime_measurements_sha256`;

const Counted = z.array(z.strictObject({ name: z.string(), entries: z.int(), bytes: z.int() }));
const Amount = z.strictObject({ entries: z.int(), bytes: z.int() });
const Ranking = z.strictObject({ names: z.int(), top: Counted, others: Amount });
const Many = z.strictObject({
  total: z.int(),
  top: z.array(z.strictObject({ name: z.string(), count: z.int(), some: z.array(z.string()) })),
});

/** The document of `assay log stats -o json`. */
const Stats = z.strictObject({
  schema: z.literal('assay.log-stats.v1'),
  file: z.string(),
  format: z.enum(['binary', 'ascii']),
  bank: z.string(),
  entries: z.int(),
  bytes: z.int(),
  kernelMemory: z.int(),
  boots: z.array(z.strictObject({ firstEntry: z.int(), entries: z.int(), bytes: z.int(), kernelMemory: z.int() })),
  kinds: Counted,
  pcrs: Counted,
  templates: Ranking,
  algorithms: Counted,
  directories: Ranking,
  signed: z.strictObject({ files: z.int(), signed: z.int(), withSignatureField: z.int() }),
  violations: z.strictObject({ total: z.int(), measuredBefore: z.int(), notMeasuredBefore: z.int() }),
  largest: z.array(z.strictObject({ entry: z.int(), bytes: z.int(), template: z.string(), filenameHint: z.string() })),
  duplicates: z.strictObject({
    complete: z.boolean(),
    repeated: z.int(),
    digestsOfManyNames: Many,
    namesOfManyDigests: Many,
  }),
});

async function stats(...args: readonly string[]): Promise<z.infer<typeof Stats>> {
  const ended = await assay(['log', 'stats', ...args, '-o', 'json']);
  assert.deepEqual({ code: ended.code, stderr: ended.stderr }, { code: 0, stderr: '' });
  return Stats.parse(documentIn(ended));
}

const byName = (list: z.infer<typeof Counted>): Record<string, number> =>
  Object.fromEntries(list.map(({ name, entries }) => [name, entries]));

test('log stats counts a list of every template as the list is', async () => {
  const shown = await stats(OLD, '--top', '100');
  const { entries } = parseBinaryList(readFileSync(OLD), { bank: 'sha1' });
  const counted = Object.fromEntries(
    Array.from(
      Map.groupBy(entries, ({ template }) => template),
      ([name, list]) => [name, list.length],
    ),
  );
  assert.deepEqual(byName(shown.templates.top), counted);
  assert.deepEqual(byName(shown.pcrs), { 10: 44, 11: 1 });
  assert.deepEqual([shown.entries, shown.bytes], [entries.length, readFileSync(OLD).length]);
  assert.deepEqual(shown.violations, { total: 2, measuredBefore: 2, notMeasuredBefore: 0 });
  assert.deepEqual(shown.signed, { files: 39, signed: 3, withSignatureField: 29 });
  const directories = byName(shown.directories.top);
  assert.equal(directories['/t'], 19);
  assert.equal(
    Object.values(directories).reduce((sum, count) => sum + count, 0),
    entries.length,
  );
  const [largest] = shown.largest;
  assert.equal(largest?.bytes, Math.max(...entries.map(({ length }) => length)));
  assert.deepEqual(
    shown.duplicates.namesOfManyDigests.top.map(({ name, count }) => [name, count]),
    [['/t/tomtou', 2]],
  );
  const [twin] = shown.duplicates.digestsOfManyNames.top;
  assert.deepEqual(twin?.some, ['/t/e_hash', '/t/e_none', '/t/e_sig']);
});

test('log stats tells the kernels of a list that was carried over a kexec apart', async () => {
  const { boots, entries, kernelMemory: memory } = await stats(KEXEC);
  assert.deepEqual(
    boots.map(({ firstEntry, entries: count }) => [firstEntry, count]),
    [
      [1, 16],
      [17, 2],
    ],
  );
  assert.equal(
    boots.reduce((sum, boot) => sum + boot.entries, 0),
    entries,
  );
  assert.equal(
    boots.reduce((sum, boot) => sum + boot.kernelMemory, 0),
    memory,
  );
});

test('log stats --depth and --top cut directories and tables', async () => {
  const shown = await stats(OLD, '--depth', '1', '--top', '2');
  assert.deepEqual(byName(shown.directories.top), { '/usr': 22, '/t': 19 });
  assert.equal(shown.directories.names, 3);
  assert.equal(shown.largest.length, 2);
  assert.equal(shown.templates.names, 7);
});

test('log stats in text and CSV says the same', async () => {
  const text = await assay(['log', 'stats', OLD]);
  assert.equal(text.code, 0);
  assert.match(text.stdout, /: 45 entries, 8\.6 KiB, about 24\.\d KiB of kernel memory\n/);
  for (const title of ['Kinds', 'PCRs', 'Templates', 'Digests', 'Directories', 'Largest entries', 'Duplicates']) {
    assert.match(text.stdout, new RegExp(`\n\n${title}\n`));
  }
  const csv = await assay(['log', 'stats', OLD, '-o', 'csv']);
  const lines = csv.stdout.split('\r\n');
  assert.equal(lines[0], 'section,name,entries,bytes');
  for (const line of ['list,,45,8837', 'template,ima-sig,30,3980', 'directory,/t,19,2946', 'violations,total,2,']) {
    assert.ok(lines.includes(line), line);
  }
});

test('log stats: what is no list, and numbers that are none', async () => {
  await assertFails(['log', 'stats', '/nowhere'], { code: 'ENOENT', exit: 3 });
  await assertFails(['log', 'stats', ROOT], { code: 'INPUT-FILE', exit: 3 });
  for (const args of [
    ['--depth', '0'],
    ['--top', 'x'],
    ['--top', '1001'],
  ]) {
    await assertFails(['log', 'stats', OLD, ...args], { code: 'USAGE', exit: 2 });
  }
});

test('hostile names and templates do nothing to a terminal', async (t) => {
  const list = new SimulatedList();
  const digest = nodeHasher.digest('sha256', utf8('x'));
  list.begin(digest);
  for (const name of ['/\u001b[2J/\u202e/x', '/\n/\u2028/y', Uint8Array.of(0x2f, 0xff, 0x2f, 0x1b)])
    list.measure(name, digest);
  const path = `${scratch(t)}/list_sha256`;
  writeFileSync(path, list.bytes());
  for (const format of ['text', 'json', 'csv']) {
    const { code, stdout } = await assay(['log', 'stats', path, '-o', format]);
    assert.equal(code, 0);
    assert.ok(!UNSAFE.test(stdout.replaceAll('\r\n', '\n')), JSON.stringify(stdout));
  }
});

const names = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd', 'e'), fc.nat({ max: 9 })), { maxLength: 40 });

test('a tally counts exactly within its limit, and beyond it loses names but nothing else', () => {
  fc.assert(
    fc.property(names, fc.integer({ min: 1, max: 6 }), (added, limit) => {
      const tally = new Tally(limit);
      for (const [name, bytes] of added) tally.add(name, bytes);
      const top = tally.top(100);
      assert.ok(top.length <= limit);
      for (const { name, entries, bytes } of top) {
        const own = added.filter(([one]) => one === name);
        assert.deepEqual([entries, bytes], [own.length, own.reduce((sum, [, size]) => sum + size, 0)]);
      }
      const total = [...top, tally.others].reduce((sum, { entries }) => sum + entries, 0);
      assert.equal(total, added.length);
    }),
  );
});

test('the greatest few are those that sorting gives, the first of equal ones', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 5 })), fc.integer({ min: 1, max: 5 }), (sizes, count) => {
      const greatest = new Greatest<readonly [number, number]>(count, ([size]) => size);
      const all = sizes.map((size, index) => [size, index] as const);
      for (const one of all) greatest.add(one);
      assert.deepEqual(greatest.list, all.toSorted((a, b) => b[0] - a[0] || a[1] - b[1]).slice(0, count));
    }),
  );
});

test('a relation finds every left with several rights within its limit, and says when it is not whole', () => {
  const pairs = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.constantFrom('x', 'y', 'z')), { maxLength: 30 });
  fc.assert(
    fc.property(pairs, fc.integer({ min: 1, max: 10 }), (added, limit) => {
      const relation = new Relation(limit);
      const seen = new Set<string>();
      for (const [left, right] of added) {
        const known = relation.add(left, right);
        if (relation.complete) assert.equal(known, seen.has(left + right));
        seen.add(left + right);
      }
      assert.equal(relation.complete, seen.size <= limit);
      if (!relation.complete) return;
      const groups = Map.groupBy(seen, (pair) => pair.charAt(0));
      const counts = Array.from(groups, ([left, of]) => [left, of.length] as const);
      const many = counts.filter(([, count]) => count > 1);
      assert.equal(relation.many(10).total, many.length);
      assert.deepEqual(new Map(relation.many(10).top.map(({ name, count }) => [name, count])), new Map(many));
    }),
  );
});

test('an ordinary entry of ima-ng takes 416 bytes of a 64-bit kernel', () => {
  const list = new SimulatedList();
  list.measure('/usr/bin/some-program', nodeHasher.digest('sha256', utf8('x')));
  const [entry] = parseBinaryList(list.bytes(), { bank: 'sha256' }).entries;
  assert.ok(entry !== undefined);
  // 40 -> 64, 32 + 2 fields of 16 -> 64, two digests of 66 -> 192, digest field of 40 -> 64, name of 22 -> 32
  assert.equal(kernelMemory(entry), 64 + 64 + 192 + 64 + 32);
});

test('long work shows count, rate and remaining time on a terminal, and takes the line away', {
  timeout: 60_000,
}, async (t) => {
  const path = `${scratch(t)}/list_sha256`;
  const list = new SimulatedList();
  const digest = nodeHasher.digest('sha256', utf8('x'));
  list.begin(digest);
  const first = list.bytes();
  list.measure('/usr/lib/x86_64-linux-gnu/some/program/of/usual/length', digest);
  const fd = openSync(path, 'w');
  writeSync(fd, first);
  const rest = Buffer.alloc((list.bytes().length - first.length) * 400_000, list.bytes().subarray(first.length));
  writeSync(fd, rest);
  closeSync(fd);
  const command = `${process.execPath} ${ASSAY} log stats ${path}`;
  const child = spawn('script', ['-qec', command, '/dev/null'], { stdio: ['ignore', 'pipe', 'inherit'] });
  let shown = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (shown += text));
  const [code] = (await once(child, 'close')) as [number];
  assert.equal(code, 0, shown);
  assert.match(shown, /\d+ %, [\d,]+ entries, [\d,]+ a second, \d+ s left/);
  const escape = String.fromCharCode(27);
  assert.ok(shown.includes(`\r${escape}[K${path}`), 'the line is gone before the result');
  assert.match(shown, /: 400001 entries, /);
  assert.match(shown, /399999 files that an earlier entry has/);
});
