import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { utf8 } from '@assay/core/bytes';
import { nodeHasher } from '@assay/core/node';
import { SimulatedList } from '@assay/testkit/evidence';
import { z } from 'zod';
import { assay, documentIn, ROOT, scratch, type Ended } from './assay.ts';

const VECTORS = `${ROOT}packages/core/test/vectors/lists`;
const LISTS = [
  ...['sha1', 'sha256', 'sha384', 'sha512'].map((bank) => ({ folder: 'ima-ng', bank })),
  ...['sha1', 'sha256'].map((bank) => ({ folder: 'ima-sig', bank })),
].map(({ folder, bank }) => ({ folder, bank, path: `${VECTORS}/${folder}/binary_runtime_measurements_${bank}` }));
const SIG = `${VECTORS}/ima-sig/binary_runtime_measurements_sha256`;

/** The contract of `assay log verify -o json`. */
const Verified = z.strictObject({
  schema: z.literal('assay.log-verify.v1'),
  file: z.string(),
  format: z.enum(['binary', 'ascii']),
  bank: z.string(),
  entries: z.int(),
  violations: z.int(),
  templates: z.record(z.string(), z.int()),
  bootAggregates: z.array(z.strictObject({ entry: z.int(), digest: z.string(), matched: z.boolean().optional() })),
  pcrs: z.array(
    z.strictObject({
      bank: z.string(),
      pcr: z.int(),
      value: z.string().regex(/^[0-9a-f]+$/),
      expected: z.string().optional(),
      matched: z.boolean().optional(),
      matchedEntries: z.int().optional(),
      rule: z.enum(['padded-sha1', 'padded-sha1-whole-violations']).optional(),
    }),
  ),
  problems: z.array(z.strictObject({ entry: z.int(), offset: z.int(), code: z.string(), message: z.string() })),
  moreProblems: z.int().optional(),
});

function verified(ended: Ended): z.infer<typeof Verified> {
  assert.equal(ended.stderr, '');
  return Verified.parse(documentIn(ended));
}

/** The TPM's value of PCR 10 beside a list. */
function pcr10(listPath: string, bank: string): string {
  const directory = listPath.slice(0, listPath.lastIndexOf('/'));
  const line = readFileSync(`${directory}/pcr-${bank}.txt`, 'latin1')
    .split('\n')
    .find((text) => text.startsWith('10 '));
  assert.ok(line !== undefined);
  return line.slice(3).trim().toLowerCase();
}

for (const { path, folder, bank } of LISTS) {
  test(`log verify: the ${bank} list in ${folder} leads to the PCR of the TPM that measured it`, async () => {
    const args = ['log', 'verify', path, '--pcr', `${bank}:10=${pcr10(path, bank)}`];
    const text = await assay(args);
    assert.deepEqual({ code: text.code, stderr: text.stderr }, { code: 0, stderr: '' });
    assert.match(text.stdout, new RegExp(`\\(${bank}\\) hold\n`));
    assert.match(text.stdout, / matches\n$/);
    const json = await assay([...args, '-o', 'json']);
    const document = verified(json);
    const value = pcr10(path, bank);
    const { entries } = document;
    assert.equal(json.code, 0);
    assert.deepEqual(document.pcrs, [
      { bank, pcr: 10, value, expected: value, matched: true, matchedEntries: entries },
    ]);
    assert.deepEqual(
      { file: document.file, bank: document.bank, problems: document.problems },
      { file: path, bank, problems: [] },
    );
    assert.equal(document.violations, 2);
    assert.equal(
      Object.values(document.templates).reduce((sum, count) => sum + count, 0),
      entries,
    );
  });
}

test('log verify counts the templates of a list', async () => {
  const { templates, entries } = verified(await assay(['log', 'verify', SIG, '-o', 'json']));
  assert.deepEqual({ templates, entries }, { templates: { 'ima-sig': 16, 'ima-buf': 2 }, entries: 18 });
});

test('log verify replays into the banks of several PCR values at once', async () => {
  const pcrs = ['sha1', 'sha256'].flatMap((bank) => ['--pcr', `${bank}:10=${pcr10(SIG, bank)}`]);
  const { code, stdout } = await assay(['log', 'verify', SIG, ...pcrs]);
  assert.equal(code, 0, stdout);
  assert.equal(stdout.match(/ matches\n/g)?.length, 2);
});

test('log verify says no to a PCR value to which no prefix leads', async () => {
  const wrong = `sha256:10=${'ab'.repeat(32)}`;
  const { code, stdout } = await assay(['log', 'verify', SIG, '--pcr', wrong]);
  assert.equal(code, 1);
  assert.match(stdout, /does not match: list and PCR disagree/);
  const json = await assay(['log', 'verify', SIG, '--pcr', wrong, '-o', 'json']);
  assert.equal(json.code, 1);
  const [row] = verified(json).pcrs;
  assert.deepEqual([row?.matched, row?.expected, row?.matchedEntries], [false, 'ab'.repeat(32), undefined]);
});

test('log verify says no when one of two PCR values is right', async () => {
  const pcrs = ['--pcr', `sha256:10=${pcr10(SIG, 'sha256')}`, '--pcr', `sha1:10=${'ab'.repeat(20)}`];
  const json = await assay(['log', 'verify', SIG, ...pcrs, '-o', 'json']);
  assert.equal(json.code, 1);
  assert.deepEqual(
    verified(json).pcrs.map(({ matched }) => matched),
    [true, false],
  );
});

test('log verify finds the prefix that an older PCR value covers', async (t) => {
  const { list, path } = listFile(t);
  for (const name of ['/bin/a', '/bin/b']) list.measure(name, nodeHasher.digest('sha256', utf8(name)));
  writeFileSync(path, list.bytes());
  const short = verified(await assay(['log', 'verify', path, '-o', 'json'])).pcrs[0]?.value;
  list.measure('/bin/c', nodeHasher.digest('sha256', utf8('c')));
  writeFileSync(path, list.bytes());
  const { code, stdout } = await assay(['log', 'verify', path, '--pcr', `sha256:10=${short}`]);
  assert.equal(code, 0);
  assert.match(stdout, /matches after 3 of 4 entries/);
});

test('log verify: a PCR that nothing was extended into matches no list', async () => {
  const json = await assay(['log', 'verify', SIG, '--pcr', `sha256:10=${'0'.repeat(64)}`, '-o', 'json']);
  assert.equal(json.code, 1);
  assert.equal(verified(json).pcrs[0]?.matched, false);
});

test('log verify: a PCR without entries matches only while nothing was extended into it', async () => {
  const untouched = await assay(['log', 'verify', SIG, '--pcr', `sha256:11=${'0'.repeat(64)}`]);
  const touched = await assay(['log', 'verify', SIG, '--pcr', `sha256:11=${'ab'.repeat(32)}`]);
  assert.deepEqual([untouched.code, touched.code], [0, 1]);
});

test('log verify reads PCR values from a file, blank lines and upper case included', async (t) => {
  const file = `${scratch(t)}/pcrs`;
  const [sha1, sha256] = [pcr10(SIG, 'sha1'), pcr10(SIG, 'sha256')];
  writeFileSync(file, `sha1:10 ${sha1.toUpperCase()}\n\n  sha256:10\t${sha256}  \n`);
  const json = await assay(['log', 'verify', SIG, '--pcrs', file, '-o', 'json']);
  assert.equal(json.code, 0);
  assert.deepEqual(
    verified(json).pcrs.map(({ bank, matched }) => [bank, matched]),
    [
      ['sha1', true],
      ['sha256', true],
    ],
  );
  writeFileSync(file, `sha256:10 ${'ab'.repeat(32)}\n`);
  assert.equal((await assay(['log', 'verify', SIG, '--pcrs', file])).code, 1);
});

test('log verify names the entries whose template digest is forged', async (t) => {
  const bytes = readFileSync(SIG);
  const { entries } = z
    .looseObject({ entries: z.array(z.looseObject({ offset: z.int() })) })
    .parse(documentIn(await assay(['log', 'show', SIG, '-o', 'json'])));
  const [, , third] = entries;
  assert.ok(third !== undefined);
  bytes.writeUInt8(bytes.readUInt8(third.offset + 4) ^ 1, third.offset + 4);
  const path = `${scratch(t)}/list_sha256`;
  writeFileSync(path, bytes);
  const json = await assay(['log', 'verify', path, '-o', 'json']);
  assert.equal(json.code, 1);
  const { problems } = verified(json);
  assert.deepEqual(
    problems.map(({ entry, offset, code }) => ({ entry, offset, code })),
    [{ entry: 3, offset: third.offset, code: 'IMA-TEMPLATE-DIGEST' }],
  );
  const text = await assay(['log', 'verify', path]);
  assert.match(text.stdout, /17 of 18 template digests \(sha256\) hold\n {2}entry 3 at offset \d+: the recorded/);
});

test('the bank is told by the name, else by the first entry, else by --bank', async (t) => {
  const directory = scratch(t);
  for (const { path, bank } of LISTS) {
    const unnamed = `${directory}/list-of-${bank}`;
    writeFileSync(unnamed, readFileSync(path));
    assert.equal(verified(await assay(['log', 'verify', unnamed, '-o', 'json'])).bank, bank);
    const misnamed = `${directory}/list_${bank === 'sha1' ? 'sha256' : 'sha1'}`;
    writeFileSync(misnamed, readFileSync(path));
    assert.equal((await assay(['log', 'verify', misnamed])).code, 3);
    assert.equal((await assay(['log', 'verify', misnamed, '--bank', bank])).code, 0);
  }
});

test('log show prints a table with an entry a line', async () => {
  const { code, stdout, stderr } = await assay(['log', 'show', SIG]);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  const lines = stdout.trimEnd().split('\n');
  assert.equal(lines.length, 19);
  assert.match(lines[0] ?? '', /^ENTRY +PCR +TEMPLATE +TEMPLATE DIGEST +DIGEST +FILE OR EVENT$/);
  assert.match(lines[1] ?? '', /^1 +10 +ima-sig +[0-9a-f]{16}… +sha256:[0-9a-f]{16}… +boot_aggregate$/);
  assert.match(lines[18] ?? '', /^18 +10 +ima-sig .* \/mnt\/viol_ow\.txt$/);
  assert.equal(lines.filter((line) => / violation /.test(line)).length, 2);
  const column = (lines[0] ?? '').indexOf('FILE');
  for (const line of lines.slice(1)) assert.match(line.slice(column - 1), /^ \S/, 'columns stand below each other');
});

test('log show -o json has every entry with its digests, signature and buffer', async () => {
  const { code, stdout } = await assay(['log', 'show', SIG, '-o', 'json']);
  const Entry = z.strictObject({
    entry: z.int(),
    offset: z.int(),
    length: z.int(),
    pcr: z.literal(10),
    template: z.enum(['ima-sig', 'ima-buf']),
    templateDigest: z.string().regex(/^[0-9a-f]{64}$/),
    kind: z.enum(['boot-aggregate', 'buffer', 'file', 'violation']),
    digest: z.string().regex(/^sha\d+:[0-9a-f]+$/),
    name: z.string(),
    filenameHint: z.string(),
    signature: z.string().optional(),
    buffer: z.string().optional(),
    parts: z.looseObject({}).optional(),
  });
  const Shown = z.strictObject({
    schema: z.literal('assay.log.v1'),
    file: z.literal(SIG),
    bank: z.literal('sha256'),
    format: z.literal('binary'),
    entries: z.array(Entry),
  });
  const { entries } = Shown.parse(documentIn({ stdout }));
  assert.equal(code, 0);
  assert.deepEqual(
    entries.map(({ entry }) => entry),
    Array.from({ length: 18 }, (_, index) => index + 1),
  );
  assert.match(entries.find(({ filenameHint }) => filenameHint === '/mnt/sig.txt')?.signature ?? '', /^0302/);
  assert.match(entries[1]?.buffer ?? '', /^3082/);
  assert.deepEqual(
    entries.filter(({ kind }) => kind === 'violation').map(({ filenameHint }) => filenameHint),
    ['/mnt/viol_tomtou.txt', '/mnt/viol_ow.txt'],
  );
});

function listFile(t: Parameters<typeof scratch>[0]): { list: SimulatedList; path: string } {
  const list = new SimulatedList();
  list.begin(nodeHasher.digest('sha256', utf8('boot')));
  return { list, path: `${scratch(t)}/list_sha256` };
}

test('log verify reads an ascii list to the same answer as the binary one, every template and PCR of a 6.1 kernel', async () => {
  const answers = ['binary', 'ascii'].map(async (form) => {
    const list = `${VECTORS}/6.1/${form}_runtime_measurements`;
    const ended = await assay(['log', 'verify', list, '--pcrs', `${VECTORS}/6.1/pcrs.txt`, '-o', 'json']);
    assert.equal(ended.code, 0);
    const answer = verified(ended);
    assert.equal(answer.format, form);
    return { ...answer, file: '', format: '' };
  });
  const [binary, ascii] = await Promise.all(answers);
  assert.deepEqual(ascii, binary);
  const matched = binary?.pcrs.filter((row) => row.matched !== undefined) ?? [];
  assert.deepEqual(
    matched.map((row) => `${row.bank}:${row.pcr} ${row.matched} ${row.rule ?? ''}`.trim()),
    ['sha1', 'sha256', 'sha384', 'sha512'].flatMap((bank) => {
      const [ten, eleven] =
        bank.length > 4 && bank !== 'sha256' ? [' padded-sha1-whole-violations', ' padded-sha1'] : ['', ''];
      return [`${bank}:10 true${ten}`, `${bank}:11 true${eleven}`];
    }),
  );
});

test('log verify passes over PCRs of a file that the list does not extend, and says no to the same PCR by an option', async (t) => {
  const directory = scratch(t);
  const file = `${directory}/pcrs.txt`;
  writeFileSync(file, `sha256:0 ${'ab'.repeat(32)}\n`);
  assert.equal((await assay(['log', 'verify', SIG, '--pcrs', file])).code, 0);
  assert.equal((await assay(['log', 'verify', SIG, '--pcr', `sha256:0=${'ab'.repeat(32)}`])).code, 1);
  writeFileSync(file, `sha384:10 ${'ab'.repeat(48)}\n`);
  assert.equal((await assay(['log', 'verify', SIG, '--pcrs', file])).code, 1);
});

const EVENT_LOG = `${ROOT}packages/core/test/vectors/eventlog/eventlog.bin`;

test('log verify finds boot_aggregate in the PCR values and in the boot event log of the same boot', async (t) => {
  const [list, pcrs] = [`${VECTORS}/6.1/binary_runtime_measurements`, `${VECTORS}/6.1/pcrs.txt`];
  for (const sources of [
    ['--pcrs', pcrs],
    ['--eventlog', EVENT_LOG],
    ['--pcrs', pcrs, '--eventlog', EVENT_LOG],
  ]) {
    const ended = await assay(['log', 'verify', list, ...sources, '-o', 'json']);
    assert.equal(ended.code, 0, ended.stderr);
    assert.deepEqual(
      verified(ended).bootAggregates.map(({ entry, matched }) => ({ entry, matched })),
      [{ entry: 1, matched: true }],
    );
  }
  const text = await assay(['log', 'verify', list, '--eventlog', EVENT_LOG]);
  assert.match(text.stdout, /entry 1: boot_aggregate is what the boot PCRs lead to\n/);
  const other = `${scratch(t)}/pcrs`;
  writeFileSync(other, readFileSync(pcrs, 'latin1').replace(/^sha256:7 ../m, 'sha256:7 00'));
  const changed = await assay(['log', 'verify', list, '--pcrs', other, '-o', 'json']);
  assert.equal(changed.code, 1);
  assert.deepEqual(
    verified(changed).problems.map(({ entry, offset, code }) => ({ entry, offset, code })),
    [{ entry: 1, offset: 0, code: 'BOOT-AGGREGATE' }],
  );
});

test('log verify checks the boot_aggregate of each boot of a list that was carried over a kexec', async () => {
  const list = `${VECTORS}/7.3-kexec/binary_runtime_measurements_sha256`;
  const plain = verified(await assay(['log', 'verify', list, '-o', 'json']));
  assert.deepEqual(
    plain.bootAggregates.map(({ entry, matched }) => ({ entry, matched })),
    [
      { entry: 1, matched: undefined },
      { entry: 17, matched: undefined },
    ],
  );
  const ended = await assay(['log', 'verify', list, '--eventlog', EVENT_LOG, '-o', 'json']);
  assert.equal(ended.code, 1);
  assert.deepEqual(
    verified(ended).problems.map(({ entry, code }) => `${entry} ${code}`),
    ['1 BOOT-AGGREGATE', '17 BOOT-AGGREGATE'],
  );
});
