import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import { nameMatcher, toHex, utf8 } from '@assay/core/bytes';
import { filenameHint, parseBinaryList } from '@assay/core/measurement';
import { nodeHasher } from '@assay/core/node';
import { SimulatedList } from '@assay/testkit/evidence';
import fc from 'fast-check';
import { z } from 'zod';
import { csvLine } from '../src/output/csv.ts';
import { ASSAY, assay, assertFails, launch, ROOT, scratch, UNSAFE, type Launched } from './assay.ts';

const VECTORS = `${ROOT}packages/core/test/vectors/lists`;
const BUFS = `${VECTORS}/7.3-bufs/binary_runtime_measurements_sha256`;
const OLD = `${VECTORS}/6.1/binary_runtime_measurements`;

const Entry = z.looseObject({
  entry: z.int(),
  pcr: z.int(),
  template: z.string(),
  kind: z.string(),
  digest: z.string(),
  name: z.string().optional(),
  nameHex: z.string().optional(),
  filenameHint: z.string(),
});
type Entry = z.infer<typeof Entry>;

async function entries(...args: readonly string[]): Promise<Entry[]> {
  const { code, stdout, stderr } = await assay(['log', 'show', ...args, '-o', 'json']);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  return z.looseObject({ schema: z.literal('assay.log.v1'), entries: z.array(Entry) }).parse(JSON.parse(stdout))
    .entries;
}

const numbers = (list: readonly Entry[]): number[] => list.map(({ entry }) => entry);

test('filters by path, digest, template, violation, PCR and number choose what they say, and hold together', async () => {
  const all = await entries(OLD);
  const choices: readonly (readonly [args: string[], wanted: (entry: Entry) => boolean])[] = [
    [['--template', 'ima-sig'], ({ template }) => template === 'ima-sig'],
    [['--violations'], ({ kind }) => kind === 'violation'],
    [['--pcr', '11'], ({ pcr }) => pcr === 11],
    [['--from', '5'], ({ entry }) => entry >= 5],
    [['--to', '3'], ({ entry }) => entry <= 3],
    [['--limit', '2'], ({ entry }) => entry <= 2],
    [['--path', '/t'], ({ filenameHint: name }) => name.startsWith('/t/')],
    [['--path', '/t/e*'], ({ filenameHint: name }) => /^\/t\/e[^/]*$/.test(name)],
    [['--path', '**/e?sig'], ({ filenameHint: name }) => /\/e.sig$/.test(name)],
    [['--template', 'ima-sig', '--violations', '--from', '22'], ({ entry }) => entry === 23],
  ];
  for (const [args, wanted] of choices) {
    const expected = numbers(all.filter(wanted));
    assert.ok(expected.length > 0 && expected.length < all.length, args.join(' '));
    assert.deepEqual(numbers(await entries(OLD, ...args)), expected, args.join(' '));
  }
  const one = all.find(({ kind }) => kind === 'file');
  assert.ok(one !== undefined);
  for (const digest of [one.digest, one.digest.slice(0, 20), `${one.digest.slice(0, 23)}…`]) {
    const expected = numbers(all.filter((entry) => entry.digest === one.digest));
    assert.deepEqual(numbers(await entries(OLD, '--digest', digest)), expected);
  }
  assert.deepEqual(await entries(OLD, '--path', '/nowhere'), []);
});

test('filters that mean nothing are wrong usage', async () => {
  const wrong: readonly (readonly [args: string[], message: RegExp])[] = [
    [['--digest', '9f1c'], /--digest takes ALG:HEX/],
    [['--digest', 'crc32:0123456789'], /--digest takes ALG:HEX/],
    [['--digest', 'sha256:0123'], /at least 8 digits/],
    [['--template', 'ima-sigv3'], /--template: unknown template "ima-sigv3"/],
    [['--pcr', '24'], /--pcr is from 0 to 23/],
    [['--from', '0'], /--from counts from 1/],
    [['--limit', 'x'], /--limit takes a whole number/],
    [['--from', '4', '--to', '3'], /--from is after --to/],
    [['--path', ''], /--path takes a path/],
    [['--entry', '1', '--to', '3'], /--entry goes without/],
    [['--entry', '999'], /--entry 999: the list has no such entry/],
  ];
  for (const [args, message] of wrong) {
    const { code, stdout, stderr } = await assay(['log', 'show', OLD, ...args]);
    assert.deepEqual([code, stdout], [2, '']);
    assert.match(stderr, message);
  }
  await assertFails(['log', 'show', OLD, '--entry', '999'], { code: 'USAGE', exit: 2 });
  const { code, stderr } = await assay(['log', 'show', OLD, '--follow', '-o', 'json']);
  assert.equal(code, 2);
  assert.match(stderr, /take -o jsonl/);
});

test('--entry shows all that an entry carries', async () => {
  const shown = async (number: number): Promise<string> => {
    const { code, stdout } = await assay(['log', 'show', BUFS, '--entry', String(number)]);
    assert.equal(code, 0);
    assert.match(stdout, new RegExp(`^entry ${number}  PCR 10  `));
    return stdout;
  };
  assert.match(await shown(5), /\n {2}key +rsa 2048, id 46e12569, for keyring _ima\n {2}subject +CN=IMA test key\n/);
  assert.match(await shown(3), /\n {2}text +audit fowner=3999\n$/);
  const both = await shown(14);
  assert.match(both, /\n {2}signature +security\.ima, version 2, sha256, key 46e12569, 256 bytes\n/);
  assert.match(
    both,
    /\n {2}appended +PKCS#7, rsa-sha256 by the certificate \w+ of CN=IMA test key, over sha256:[0-9a-f]{64}\n$/,
  );
  const evm = await shown(22);
  assert.match(evm, /EVM signature +security\.evm, portable, version 2/);
  assert.match(evm, /\n {2}owner +uid 3002, gid 0, mode 0100644\n {2}attribute +security\.ima, 34 bytes: 0404/);
  const kexec = await assay(['log', 'show', BUFS.replace('7.3-bufs', '7.3-kexec'), '--entry', '16']);
  assert.match(kexec.stdout, /\n {2}value +kexec_segment_size = 4096\n/);
  const long = await assay(['log', 'show', BUFS, '--long']);
  assert.equal(long.stdout.match(/^entry \d+ /gm)?.length, 22);
  assert.equal(long.stdout.match(/\n\nentry /g)?.length, 21);
});

test('JSON has the parts of each entry decoded, and with --long its template data', async () => {
  const Parts = z.looseObject({ parts: z.looseObject({}).optional(), templateData: z.string().optional() });
  const partsOf = async (...args: string[]) => z.array(Parts).parse(await entries(BUFS, ...args));
  const all = await partsOf();
  const { subject, notAfter, ...key } = z
    .looseObject({ subject: z.string(), notAfter: z.iso.datetime() })
    .parse(all[4]?.parts?.['buffer']);
  assert.deepEqual([subject, notAfter.slice(0, 4)], ['CN=IMA test key', '2081']);
  assert.deepEqual(key, { kind: 'key', keyring: '_ima', keyId: '46e12569', key: 'rsa 2048', issuer: subject });
  assert.deepEqual(all[17]?.parts, {
    signature: { kind: 'signature', type: 3, version: 3, algorithm: 'sha256', bytes: 256, keyId: '46e12569' },
  });
  assert.equal(all[0]?.templateData, undefined);
  const long = await partsOf('--long');
  const { entries: parsed } = parseBinaryList(readFileSync(BUFS), { bank: 'sha256' });
  assert.deepEqual(
    long.map(({ templateData }) => templateData),
    parsed.map(({ templateData }) => toHex(templateData)),
  );
});

test('-o jsonl is a document a line, each the same as in the one document', async () => {
  const { code, stdout } = await assay(['log', 'show', BUFS, '-o', 'jsonl']);
  assert.equal(code, 0);
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line): unknown => JSON.parse(line));
  const expected = (await entries(BUFS)).map((entry) => ({ schema: 'assay.log-entry.v1', ...entry }));
  assert.deepEqual(lines, expected);
});

/** Fields of RFC 4180. */
function readCsv(text: string): string[][] {
  const rows: string[][] = [[]];
  for (const [, quoted, plain = '', end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/g)) {
    rows.at(-1)?.push(quoted?.replaceAll('""', '"') ?? plain);
    if (end !== ',') rows.push([]);
  }
  assert.deepEqual(rows.pop(), []);
  return rows;
}

test('-o csv has a line of titles and an entry a line, with names that have commas and quotes whole', async (t) => {
  const list = new SimulatedList();
  const digest = nodeHasher.digest('sha256', utf8('x'));
  list.begin(digest);
  const names = ['/tmp/a,b', '/tmp/"quoted"', '=HYPERLINK("x")', '/tmp/new\nline', '/tmp/\u202e'];
  for (const name of names) list.measure(name, digest);
  const path = `${scratch(t)}/list_sha256`;
  writeFileSync(path, list.bytes());
  const { code, stdout } = await assay(['log', 'show', path, '-o', 'csv']);
  assert.equal(code, 0);
  assert.ok(!UNSAFE.test(stdout.replaceAll('\r\n', '\n')));
  const [titles, ...rows] = readCsv(stdout);
  assert.deepEqual(titles?.slice(0, 4), ['entry', 'offset', 'pcr', 'template']);
  const column = titles?.indexOf('filenameHint') ?? -1;
  const shown = names.map((name) => filenameHint({ name: utf8(name) }));
  assert.deepEqual(
    rows.map((row) => row[column]),
    ['boot_aggregate', ...shown],
  );
  assert.equal(
    spawnSync('sh', ['-c', `"$0" "$1" log show "$2" -o csv --path /nowhere | wc -l`, process.execPath, ASSAY, path], {
      encoding: 'utf8',
    }).stdout.trim(),
    '1',
  );
});

test('any fields are read back from their line of CSV', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary' }), { minLength: 1 }), (fields) => {
      assert.deepEqual(readCsv(csvLine(fields)), [fields]);
    }),
  );
});

test('a name is given as text where it is text, and its bytes where it is not', async (t) => {
  const list = new SimulatedList();
  const digest = nodeHasher.digest('sha256', utf8('x'));
  list.begin(digest);
  list.measure('/tmp/\u202e\n"\\', digest);
  list.measure(Uint8Array.of(0x2f, 0xff, 0x0a), digest);
  const path = `${scratch(t)}/list_sha256`;
  writeFileSync(path, list.bytes());
  const [, text, bytes] = await entries(path);
  assert.deepEqual([text?.name, text?.nameHex], ['/tmp/\u202e\n"\\', undefined]);
  assert.deepEqual([bytes?.name, bytes?.nameHex], [undefined, '2fff0a']);
});

const LETTERS = fc.string({ unit: fc.constantFrom('a', 'b', '/', '.'), maxLength: 12 });
const PATTERN = fc.string({ unit: fc.constantFrom('a', 'b', '/', '*', '**', '?', '.'), maxLength: 8 });

test('a pattern matches what the regular expression of its stars matches', () => {
  fc.assert(
    fc.property(PATTERN, LETTERS, (pattern, name) => {
      fc.pre(/[*?]/.test(pattern));
      const source = pattern
        .replace(/\*{2,}/g, '\0')
        .replaceAll('.', '\\.')
        .replaceAll('*', '[^/]*')
        .replaceAll('?', '[^/]')
        .replaceAll('\0', '.*');
      assert.equal(nameMatcher(pattern)(name), new RegExp(`^${source}$`).test(name), `${pattern} ${name}`);
    }),
    { numRuns: 5000 },
  );
});

test('a pattern of many stars ends on a long name', () => {
  const name = 'a'.repeat(4096);
  assert.equal(nameMatcher(`${'*a'.repeat(60)}b`)(name), false);
  assert.equal(nameMatcher(`${'**a'.repeat(60)}b`)(name), false);
});

/** Waits for what a command prints, for as long as it runs. */
async function printed({ output, child }: Launched, wanted: RegExp): Promise<void> {
  while (!wanted.test(output.stdout + output.stderr)) {
    assert.equal(child.exitCode, null, `it ended: ${output.stderr}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function followed(t: TestContext, path: string, ...args: string[]): Launched {
  const running = launch(['log', 'show', path, '--follow', ...args]);
  t.after(() => running.child.kill('SIGKILL'));
  return running;
}

function growing(t: TestContext): { list: SimulatedList; path: string; measure(name: string): Uint8Array } {
  const list = new SimulatedList();
  list.begin(nodeHasher.digest('sha256', utf8('boot')));
  const path = `${scratch(t)}/list_sha256`;
  writeFileSync(path, list.bytes());
  const measure = (name: string): Uint8Array => {
    const before = list.bytes().length;
    list.measure(name, nodeHasher.digest('sha256', utf8(name)));
    return list.bytes().subarray(before);
  };
  return { list, path, measure };
}

test('--follow shows what is appended, also in pieces, says when the list starts again, and Ctrl-C ends it', {
  timeout: 120_000,
}, async (t) => {
  const { list, path, measure } = growing(t);
  const running = followed(t, path);
  await printed(running, /boot_aggregate\n/);
  appendFileSync(path, measure('/bin/first'));
  await printed(running, /\/bin\/first\n/);
  const second = measure('/bin/second');
  appendFileSync(path, second.subarray(0, 40));
  appendFileSync(path, measure('/bin/never').subarray(0, 0));
  await new Promise((resolve) => setTimeout(resolve, 1200));
  assert.doesNotMatch(running.output.stdout, /second/, 'a record is shown when it is whole');
  appendFileSync(path, second.subarray(40));
  await printed(running, /\n3 +10 .*\/bin\/second\n/);
  const fresh = new SimulatedList();
  fresh.begin(nodeHasher.digest('sha256', utf8('another boot')));
  writeFileSync(`${path}.new`, fresh.bytes());
  renameSync(`${path}.new`, path);
  await printed(running, /the list has started again/);
  await printed(running, /second\n1 +10 .* boot_aggregate\n/);
  assert.ok(list.entries > 1);
  running.child.kill('SIGINT');
  assert.equal((await running.ended).code, 130);
});

test('--follow waits for the first entry of an empty file, filters, and ends with --limit', {
  timeout: 120_000,
}, async (t) => {
  const { list, path, measure } = growing(t);
  writeFileSync(path, '');
  const running = followed(t, path, '--path', '/bin/w*', '--limit', '1', '-o', 'jsonl');
  measure('/bin/other');
  measure('/bin/wanted');
  writeFileSync(path, list.bytes());
  const { code, stdout } = await running.ended;
  assert.equal(code, 0);
  assert.equal(Entry.parse(JSON.parse(stdout)).name, '/bin/wanted');
});

test('--follow ends with an error where the file becomes no list, and refuses a pipe', {
  timeout: 120_000,
}, async (t) => {
  const { path, measure } = growing(t);
  const running = followed(t, path);
  await printed(running, /boot_aggregate\n/);
  appendFileSync(path, Buffer.concat([measure('/bin/last'), Buffer.alloc(200, 'x')]));
  const { code, stdout, stderr } = await running.ended;
  assert.equal(code, 3);
  assert.match(stdout, /\/bin\/last\n$/);
  assert.match(stderr, /^error LIST-PCR: entry 3 at offset \d+: /);
  const child = spawn('sh', ['-c', 'cat "$2" | "$0" "$1" log show /dev/stdin --follow', process.execPath, ASSAY, BUFS]);
  assert.deepEqual(await once(child, 'close'), [2, null]);
});

test('a list comes through a pipe as it does from a file', () => {
  const line = 'cat "$2" | "$0" "$1" log show /dev/stdin --limit 3';
  const piped = spawnSync('sh', ['-c', line, process.execPath, ASSAY, BUFS], { encoding: 'utf8' });
  assert.deepEqual([piped.status, piped.stderr], [0, '']);
  assert.equal(piped.stdout.split('\n').length, 5);
});
