import assert from 'node:assert/strict';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { equalBytes, utf8 } from '@assay/core/bytes';
import { bootAggregate, encodeAsciiEntry, firstForgedDigest, replay } from '@assay/core/measurement';
import { nodeHasher } from '@assay/core/node';
import { fileDraft, recordDraft, type EntryDraft } from '../src/drafts.ts';
import { ListFiles } from '../src/list-files.ts';
import { MeasurementList } from '../src/list.ts';
import {
  assertReplays,
  FaultyTpm,
  nameOf,
  names,
  pairsOf,
  readList,
  scratchDirectory,
  startTpm,
  TPM_KINDS,
} from './support.ts';

const draft = (name: string): EntryDraft => fileDraft(utf8(name), nodeHasher.digest('sha256', utf8(name)));

async function add(list: MeasurementList, ...drafts: EntryDraft[]): Promise<void> {
  for (const entry of list.append(drafts)) if (entry !== undefined) await list.extendNext();
}

for (const kind of TPM_KINDS) {
  test(`a new list begins with boot_aggregate and replays to PCR 10 in every bank (${kind})`, async () => {
    await using machine = await startTpm(kind);
    using directory = scratchDirectory();
    const { list, continued } = await MeasurementList.open(directory.path, machine.tpm);
    await add(list, draft('/bin/a'), draft('/bin/b'));
    list.close();
    assert.equal(continued, false);
    assert.deepEqual(names(directory.path), ['boot_aggregate', '/bin/a', '/bin/b']);
    await assertReplays(directory.path, machine.tpm);
    const [first] = readList(directory.path);
    const pcrs = await machine.tpm.readPcrs('sha256', [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert.equal(first?.template, 'ima-ng');
    assert.equal(first.fields.digest?.algorithm, 'sha256');
    assert.ok(equalBytes(first.fields.digest.value, bootAggregate(nodeHasher, 'sha256', pcrs)));
  });

  test(`a list goes on where PCR 10 stands, without a second boot_aggregate (${kind})`, async () => {
    await using machine = await startTpm(kind);
    using directory = scratchDirectory();
    const first = await MeasurementList.open(directory.path, machine.tpm);
    await add(first.list, draft('/bin/a'));
    first.list.close();
    const second = await MeasurementList.open(directory.path, machine.tpm);
    await add(second.list, draft('/bin/a'), draft('/bin/b'));
    second.list.close();
    assert.equal(second.continued, true);
    assert.deepEqual(names(directory.path), ['boot_aggregate', '/bin/a', '/bin/b']);
    await assertReplays(directory.path, machine.tpm);
    assert.equal(existsSync(join(directory.path, 'previous')), false);
  });

  test(`an entry that was written and not extended is extended at the next start (${kind})`, async () => {
    await using machine = await startTpm(kind);
    using directory = scratchDirectory();
    const first = await MeasurementList.open(directory.path, machine.tpm);
    await add(first.list, draft('/bin/a'));
    first.list.append([draft('/bin/b'), draft('/bin/c')]);
    first.list.close();
    await assert.rejects(assertReplays(directory.path, machine.tpm));
    const second = await MeasurementList.open(directory.path, machine.tpm);
    second.list.close();
    assert.deepEqual(names(directory.path), ['boot_aggregate', '/bin/a', '/bin/b', '/bin/c']);
    await assertReplays(directory.path, machine.tpm);
  });

  test(`a TPM that was started anew begins a new list and keeps the old one (${kind})`, async () => {
    using directory = scratchDirectory();
    for (const program of ['/bin/oldest', '/bin/old', '/bin/new']) {
      await using machine = await startTpm(kind);
      const { list, continued } = await MeasurementList.open(directory.path, machine.tpm);
      await add(list, draft(program));
      list.close();
      assert.equal(continued, false);
      await assertReplays(directory.path, machine.tpm);
    }
    assert.deepEqual(names(directory.path), ['boot_aggregate', '/bin/new']);
    assert.deepEqual(names(join(directory.path, 'previous')), ['boot_aggregate', '/bin/old']);
  });

  test(`a PCR that something else extended is refused, and the message says what to do (${kind})`, async () => {
    await using machine = await startTpm(kind);
    using directory = scratchDirectory();
    const { list } = await MeasurementList.open(directory.path, machine.tpm);
    list.close();
    const before = readFileSync(join(directory.path, 'binary_runtime_measurements_sha256'));
    await machine.tpm.extendPcr(10, new Map([['sha256', new Uint8Array(32).fill(1)]]));
    const refused = MeasurementList.open(directory.path, machine.tpm);
    await assert.rejects(refused, { name: 'SystemError', code: 'PCR-FOREIGN', message: /Reboot/ });
    assert.deepEqual(readFileSync(join(directory.path, 'binary_runtime_measurements_sha256')), before);
    using empty = scratchDirectory();
    await assert.rejects(MeasurementList.open(empty.path, machine.tpm), { code: 'PCR-FOREIGN', message: /no list/ });
  });
}

test('the files are named and formed as the kernel names and forms them', async () => {
  await using machine = await startTpm('swtpm');
  using directory = scratchDirectory();
  const { list } = await MeasurementList.open(directory.path, machine.tpm);
  await add(list, draft('/bin/with blank'));
  list.close();
  const read = (name: string): string => readFileSync(join(directory.path, name), 'latin1');
  assert.equal(read('runtime_measurements_count'), '2\n');
  assert.equal(read('violations'), '0\n');
  for (const form of ['ascii', 'binary']) {
    assert.equal(
      readlinkSync(join(directory.path, `${form}_runtime_measurements`)),
      `${form}_runtime_measurements_sha1`,
    );
    assert.equal(statSync(join(directory.path, `${form}_runtime_measurements_sha1`)).mode & 0o777, 0o640);
  }
  for (const bank of new Set([...(await machine.tpm.activeBanks()), 'sha1'] as const)) {
    const entries = readList(directory.path, bank);
    assert.equal(entries[1] && nameOf(entries[1]), '/bin/with_blank');
    assert.equal(firstForgedDigest(nodeHasher, bank, entries), undefined);
    const lines = Buffer.concat(entries.map((entry) => encodeAsciiEntry(entry)));
    assert.equal(read(`ascii_runtime_measurements_${bank}`), lines.toString('latin1'));
  }
});

test('what is listed is not listed again; the same digest under another name, and another digest are', async () => {
  await using machine = await startTpm('simulated');
  using directory = scratchDirectory();
  const { list } = await MeasurementList.open(directory.path, machine.tpm);
  const digest = nodeHasher.digest('sha256', utf8('a'));
  const added = list.append([draft('/a'), draft('/a'), fileDraft(utf8('/b'), digest), fileDraft(utf8('/a'), digest)]);
  assert.deepEqual(
    added.map((entry) => entry?.number),
    [2, undefined, 3, 4],
  );
  assert.deepEqual(list.append([draft('/a')]), [undefined]);
  list.close();
});

test('an added entry is the one that a reader of the list finds', async () => {
  await using machine = await startTpm('simulated');
  using directory = scratchDirectory();
  const { list } = await MeasurementList.open(directory.path, machine.tpm);
  const added = [...list.append([draft('/a'), draft('/b')]), ...list.append([draft('/c')])];
  list.close();
  assert.deepEqual(added, readList(directory.path, 'sha256').slice(1));
});

test('an extend that failed is done again, and not done twice where only its answer was lost', async () => {
  await using machine = await startTpm('simulated');
  using directory = scratchDirectory();
  const tpm = new FaultyTpm(machine.tpm);
  const { list } = await MeasurementList.open(directory.path, tpm);
  for (const fault of ['fails', 'fails-afterwards'] as const) {
    list.append([draft(fault)]);
    tpm.faults.push(fault);
    await assert.rejects(list.extendNext());
    await list.extendNext();
    await assertReplays(directory.path, machine.tpm);
  }
  list.close();
});

test('a PCR that something else extends while the engine runs is noticed when an extend fails', async () => {
  await using machine = await startTpm('simulated');
  using directory = scratchDirectory();
  const tpm = new FaultyTpm(machine.tpm);
  const { list } = await MeasurementList.open(directory.path, tpm);
  list.append([draft('/a')]);
  tpm.faults.push('fails');
  await assert.rejects(list.extendNext());
  await machine.tpm.extendPcr(10, new Map([['sha256', new Uint8Array(32).fill(1)]]));
  await assert.rejects(list.extendNext(), { code: 'PCR-FOREIGN' });
  list.close();
});

test('a torn last record is cut, as it was never extended; the other files are written again from the first', async () => {
  await using machine = await startTpm('swtpm');
  using directory = scratchDirectory();
  const first = await MeasurementList.open(directory.path, machine.tpm);
  await add(first.list, draft('/a'), draft('/b'));
  first.list.close();
  const whole = readFileSync(join(directory.path, 'binary_runtime_measurements_sha256'));
  appendFileSync(join(directory.path, 'binary_runtime_measurements_sha256'), whole.subarray(0, 40));
  appendFileSync(join(directory.path, 'ascii_runtime_measurements_sha1'), '10 0123');
  truncateSync(join(directory.path, 'binary_runtime_measurements_sha512'), 10);
  writeFileSync(join(directory.path, 'runtime_measurements_count'), '7\n');
  const second = await MeasurementList.open(directory.path, machine.tpm);
  await add(second.list, draft('/c'));
  second.list.close();
  assert.deepEqual(names(directory.path), ['boot_aggregate', '/a', '/b', '/c']);
  assert.equal(readFileSync(join(directory.path, 'ascii_runtime_measurements_sha1'), 'utf8').split('\n').length, 5);
  assert.equal(readFileSync(join(directory.path, 'runtime_measurements_count'), 'utf8'), '4\n');
  await assertReplays(directory.path, machine.tpm);
});

test('a list that is cut before what was extended, or damaged, is refused', async () => {
  await using machine = await startTpm('simulated');
  using directory = scratchDirectory();
  const first = await MeasurementList.open(directory.path, machine.tpm);
  await add(first.list, draft('/a'));
  first.list.close();
  const path = join(directory.path, 'binary_runtime_measurements_sha256');
  const whole = readFileSync(path);
  const changed = Buffer.from(whole);
  changed.writeUInt8(0x62, whole.length - 2);
  for (const damaged of [whole.subarray(0, -1), changed, Buffer.alloc(whole.length, 0xff), Buffer.alloc(0)]) {
    writeFileSync(path, damaged);
    await assert.rejects(MeasurementList.open(directory.path, machine.tpm), { code: 'PCR-FOREIGN' });
    assert.deepEqual(readFileSync(path), damaged);
  }
});

test('when a write fails no file keeps a part of it, and it can be done again', async () => {
  await using machine = await startTpm('simulated');
  using directory = scratchDirectory();
  const { list } = await MeasurementList.open(directory.path, machine.tpm);
  const blocked = join(directory.path, '.runtime_measurements_count.new');
  // A directory that is not empty stands where the count is written, so that the last of the writes fails.
  mkdirSync(join(blocked, 'x'), { recursive: true });
  assert.throws(() => list.append([draft('/a')]));
  assert.deepEqual(names(directory.path), ['boot_aggregate']);
  rmSync(blocked, { recursive: true });
  await add(list, draft('/a'));
  list.close();
  assert.deepEqual(names(directory.path), ['boot_aggregate', '/a']);
  await assertReplays(directory.path, machine.tpm);
});

test('values in a record of the engine cannot make other pairs', async () => {
  await using machine = await startTpm('simulated');
  using directory = scratchDirectory();
  const { list } = await MeasurementList.open(directory.path, machine.tpm);
  const [gap] = list.append([
    recordDraft('gap', [
      ['reason', 'a;lost=0;%'],
      ['path', Buffer.from([0x2f, 0xff, 0x0a, 0x3b])],
      ['mount', '/é\ud800'],
    ]),
  ]);
  list.close();
  const pairs = new Map(pairsOf(gap));
  assert.deepEqual([...pairs.keys()], ['version', 'time', 'reason', 'path', 'mount']);
  assert.equal(pairs.get('reason'), 'a%3Blost=0%3B%25');
  assert.equal(pairs.get('path'), '/\\xff\\x0a%3B');
  assert.equal(pairs.get('mount'), '/%C3%A9%EF%BF%BD');
  assert.match(pairs.get('time') ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  const { digest, buffer = new Uint8Array() } = gap?.fields ?? {};
  assert.ok(digest && equalBytes(digest.value, nodeHasher.digest('sha256', buffer)));
});

test('entries go to the PCRs of their rules; one content is listed once for each', async () => {
  await using machine = await startTpm('swtpm');
  using directory = scratchDirectory();
  await machine.tpm.extendPcr(11, new Map([['sha256', new Uint8Array(32).fill(1)]]));
  const before = (await machine.tpm.readPcrs('sha256', [11])).get(11) ?? new Uint8Array();
  const into = (name: string, pcr: number): EntryDraft => ({ ...draft(name), pcr });
  const first = await MeasurementList.open(directory.path, machine.tpm, [11]);
  await add(first.list, into('/a', 10), into('/a', 11), into('/a', 11), into('/b', 11));
  first.list.append([into('/c', 11)]);
  first.list.close();
  const second = await MeasurementList.open(directory.path, machine.tpm, [11]);
  second.list.close();
  assert.equal(second.continued, true);
  const entries = readList(directory.path);
  assert.deepEqual(
    entries.map((entry) => [entry.pcr, nameOf(entry)]),
    [
      [10, 'boot_aggregate'],
      [10, '/a'],
      [11, '/a'],
      [11, '/b'],
      [11, '/c'],
    ],
  );
  await assertReplays(directory.path, machine.tpm);
  const { value } = replay(nodeHasher, { bank: 'sha256', pcr: 11, value: before }, entries);
  assert.deepEqual(Buffer.from((await machine.tpm.readPcrs('sha256', [11])).get(11) ?? []), Buffer.from(value));
  await machine.tpm.extendPcr(11, new Map([['sha256', new Uint8Array(32).fill(1)]]));
  await assert.rejects(MeasurementList.open(directory.path, machine.tpm, [11]), { code: 'PCR-FOREIGN' });
});

test('violations are recorded as zeros, extended as 0xff bytes, counted, and recorded each time', async () => {
  await using machine = await startTpm('swtpm');
  using directory = scratchDirectory();
  const violation: EntryDraft = { ...fileDraft(utf8('/a'), new Uint8Array(32)), violation: true };
  const read = (): string => readFileSync(join(directory.path, 'violations'), 'latin1');
  const first = await MeasurementList.open(directory.path, machine.tpm);
  assert.equal(read(), '0\n');
  await add(first.list, violation, draft('/a'), violation);
  first.list.close();
  assert.equal(read(), '2\n');
  const second = await MeasurementList.open(directory.path, machine.tpm);
  await add(second.list, violation);
  assert.equal(second.list.violations, 3);
  second.list.close();
  assert.equal(read(), '3\n');
  const entries = readList(directory.path);
  assert.deepEqual(
    entries.map((entry) => entry.violation),
    [false, true, false, true, true],
  );
  await assertReplays(directory.path, machine.tpm);
});

for (const [what, text] of [
  ['a line that is none', '11 sha256\n'],
  ['a value of another size', '11 sha256 00\n'],
  ['no value of a bank', `11 sha1 ${'0'.repeat(40)}\n`],
  ['an unknown algorithm', `11 sha257 ${'0'.repeat(64)}\n`],
] as const) {
  test(`a file of first values with ${what} is refused`, async () => {
    await using machine = await startTpm('simulated');
    using directory = scratchDirectory();
    const { list } = await MeasurementList.open(directory.path, machine.tpm, [11]);
    list.close();
    writeFileSync(join(directory.path, 'pcr_bases'), text);
    await assert.rejects(MeasurementList.open(directory.path, machine.tpm, [11]), { code: 'PCR-FOREIGN' });
  });
}

test('files that cannot be shortened stay as they are', async () => {
  using scratch = scratchDirectory();
  const files = new ListFiles(scratch.path, ['sha256'], []);
  files.mark();
  const blocked = join(scratch.path, '.ascii_runtime_measurements_sha1.new');
  mkdirSync(join(blocked, 'x'), { recursive: true });
  assert.throws(() => files.cut());
  renameSync(blocked, join(scratch.path, 'moved'));
  files.cut();
  files.close();
});
