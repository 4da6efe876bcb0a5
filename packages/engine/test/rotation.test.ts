import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { firstRecord, parseBinaryList, rotationOf } from '@assay/core/measurement';
import { engineList } from '@assay/linux/ima';
import { archiveBefore, checkSegments } from '@assay/linux/lists';
import { connectSwtpm, Tpm } from '@assay/linux/tpm';
import { startSwtpm } from '@assay/testkit/swtpm';
import { fileDraft } from '../src/drafts.ts';
import { MeasurementList } from '../src/list.ts';
import { assertWholeReplays, count, draft, filesIn, measure, programs, sizeOf, wholeList } from './rotation-support.ts';
import { FaultyTpm, scratchDirectory, startTpm, TPM_KINDS } from './support.ts';

/** ASSAY_TEST_KILLS=200 kills more often. */
const KILLS = Number(process.env['ASSAY_TEST_KILLS'] ?? 5);
const SIZE = 24 * 1024;
const LIST = 'binary_runtime_measurements_sha256';

interface Places {
  readonly directory: string;
  readonly archive: { readonly directory: string; readonly size: number };
}

function placesIn(scratch: string): Places {
  const [directory, archive] = [join(scratch, 'run'), join(scratch, 'kept')];
  mkdirSync(directory);
  return { directory, archive: { directory: archive, size: SIZE } };
}

function segments(archive: string): string[] {
  return readdirSync(archive).filter((name) => name.startsWith('segment-'));
}

for (const kind of TPM_KINDS) {
  test(`a long list goes into the archive in segments, and is one with it (${kind})`, async () => {
    await using machine = await startTpm(kind);
    using scratch = scratchDirectory();
    const { directory, archive } = placesIn(scratch.path);
    const wanted = programs(50);
    const list = await measure(directory, machine.tpm, wanted, archive);
    assert.ok(sizeOf(directory) < SIZE / 2, `${sizeOf(directory)} bytes`);
    assert.ok(segments(archive.directory).length > 2);
    const whole = await assertWholeReplays(directory, machine.tpm);
    assert.deepEqual(filesIn(whole), wanted);
    assert.equal(count(directory), whole.length);
    assert.equal(list.count, whole.length);
    assert.equal(list.archive?.segments, segments(archive.directory).length);
    const [first] = parseBinaryList(readFileSync(join(directory, LIST)), { bank: 'sha256' }).entries;
    assert.equal(list.archive?.entries, (first && rotationOf(first))?.entries);
  });
}

test('what was listed before a rotation and a restart is not listed again; violations are counted on', async () => {
  await using machine = await startTpm('simulated');
  using scratch = scratchDirectory();
  const { directory, archive } = placesIn(scratch.path);
  const wanted = programs(30);
  await measure(directory, machine.tpm, wanted, archive);
  const { list, continued } = await MeasurementList.open(directory, machine.tpm, [], archive);
  assert.equal(continued, true);
  assert.deepEqual(new Set(list.append(wanted.map(draft))), new Set([undefined]));
  list.append([{ ...fileDraft(Buffer.from('/a'), new Uint8Array(32)), violation: true }]);
  await list.extendNext();
  assert.equal(list.violations, 1);
  list.close();
  await measure(directory, machine.tpm, programs(30, 'later'), archive);
  assert.equal(readFileSync(join(directory, 'violations'), 'latin1'), '1\n');
  assert.deepEqual(filesIn(await assertWholeReplays(directory, machine.tpm)), [
    ...wanted,
    '/a',
    ...programs(30, 'later'),
  ]);
});

test('the list is read from any offset on, across segments, as much as is asked for', async () => {
  await using machine = await startTpm('simulated');
  using scratch = scratchDirectory();
  const { directory, archive } = placesIn(scratch.path);
  await measure(directory, machine.tpm, programs(40), archive);
  const source = engineList(directory, 'sha256');
  const whole = Buffer.from(await source.read(0));
  for (let offset = 0; offset < whole.length + 200; offset += 997) {
    assert.deepEqual(Buffer.from(await source.read(offset)), whole.subarray(offset));
    assert.deepEqual(Buffer.from(await source.read(offset, 5000)), whole.subarray(offset, offset + 5000));
  }
  assert.deepEqual(await source.start(), { fromEntry: 1, fromOffset: 0 });
});

test('a rotation that ends at any of its steps loses nothing, brings nothing twice, and goes on', async () => {
  const steps: readonly [
    what: string,
    leave: (places: Places, list: MeasurementList, tpm: FaultyTpm) => Promise<void>,
  ][] = [
    [
      'while the segment is written',
      async ({ archive }, list) => {
        list.close();
        writeFileSync(join(archive.directory, '.segment.new'), 'a part');
      },
    ],
    [
      'when the segment is there',
      async (_places, list) => {
        assert.ok(list.beginRotation());
        list.close();
      },
    ],
    [
      'when the record is listed and not extended',
      async (_places, list) => {
        list.append([list.beginRotation() ?? assert.fail()]);
        list.close();
      },
    ],
    [
      'when the record is listed in the first file and torn there',
      async ({ directory }, list) => {
        list.append([list.beginRotation() ?? assert.fail()]);
        list.close();
        truncateSync(join(directory, LIST), readFileSync(join(directory, LIST)).length - 7);
      },
    ],
    [
      'when the record is extended',
      async (_places, list) => {
        list.append([list.beginRotation() ?? assert.fail()]);
        await list.extendNext();
        list.close();
      },
    ],
    [
      'when one file of the list is shortened',
      async ({ directory }, list) => {
        list.append([list.beginRotation() ?? assert.fail()]);
        await list.extendNext();
        const others = readdirSync(directory).filter((name) => /_sha/.test(name) && name !== LIST);
        const long = others.map((name) => [join(directory, name), readFileSync(join(directory, name))] as const);
        list.endRotation();
        list.close();
        for (const [path, content] of long) writeFileSync(path, content);
      },
    ],
    [
      'when others than the first file are shortened',
      async ({ directory }, list) => {
        list.append([list.beginRotation() ?? assert.fail()]);
        await list.extendNext();
        const long = readFileSync(join(directory, LIST));
        list.endRotation();
        list.close();
        writeFileSync(join(directory, LIST), long);
      },
    ],
    [
      'when all of it is done',
      async (_places, list) => {
        list.append([list.beginRotation() ?? assert.fail()]);
        await list.extendNext();
        list.endRotation();
        list.close();
      },
    ],
    [
      'when the segment was damaged before the list was shortened',
      async ({ archive }, list) => {
        list.append([list.beginRotation() ?? assert.fail()]);
        await list.extendNext();
        list.close();
        const newest = segments(archive.directory).at(-1) ?? '';
        appendFileSync(join(archive.directory, newest), 'x');
      },
    ],
  ];
  for (const earlier of [0, 15]) {
    for (const [what, leave] of steps) {
      await using machine = await startTpm('simulated');
      using scratch = scratchDirectory();
      const places = placesIn(scratch.path);
      await measure(places.directory, machine.tpm, programs(earlier, 'earlier'), places.archive);
      const tpm = new FaultyTpm(machine.tpm);
      const small = { ...places.archive, size: 100 };
      const { list } = await MeasurementList.open(places.directory, tpm, [], small);
      for (const program of programs(5)) {
        list.append([draft(program)]);
        await list.extendNext();
      }
      await leave(places, list, tpm);
      await measure(places.directory, machine.tpm, programs(15, 'later'), places.archive);
      const whole = await assertWholeReplays(places.directory, machine.tpm);
      const wanted = [...programs(earlier, 'earlier'), ...programs(5), ...programs(15, 'later')];
      assert.deepEqual(filesIn(whole), wanted, what);
      assert.equal(count(places.directory), whole.length, what);
      const { segments: kept, missing } = await archiveBefore(
        places.archive.directory,
        firstRotation(places.directory),
      );
      assert.equal(missing, undefined);
      await checkSegments(kept);
    }
  }
});

function firstRotation(directory: string): ReturnType<typeof rotationOf> {
  const first = firstRecord(readFileSync(join(directory, LIST)), { format: 'binary', bank: 'sha256' });
  return first && rotationOf(first);
}

test('where the archive takes nothing the list stays, the engine says so, and catches up when it can', async () => {
  await using machine = await startTpm('simulated');
  using scratch = scratchDirectory();
  const { directory, archive } = placesIn(scratch.path);
  const { list } = await MeasurementList.open(directory, machine.tpm, [], { ...archive, size: 100 });
  // A directory that is not empty stands where the segment is written.
  const blocked = join(archive.directory, '.segment.new');
  mkdirSync(join(blocked, 'x'), { recursive: true });
  list.append([draft('/a')]);
  await list.extendNext();
  assert.throws(() => list.beginRotation());
  assert.match(list.archive?.problem ?? '', /\.segment\.new/);
  assert.equal(list.beginRotation(), undefined, 'not tried again before the list has grown');
  rmSync(blocked, { recursive: true });
  list.append([draft('/b')]);
  await list.extendNext();
  list.append([list.beginRotation() ?? assert.fail()]);
  await list.extendNext();
  list.endRotation();
  assert.equal(list.archive?.problem, undefined);
  list.close();
  assert.deepEqual(filesIn(await assertWholeReplays(directory, machine.tpm)), ['/a', '/b']);
});

test('without its archive the list goes on, and says from which entry on it is there', async () => {
  await using machine = await startTpm('simulated');
  using scratch = scratchDirectory();
  const { directory, archive } = placesIn(scratch.path);
  await measure(directory, machine.tpm, programs(30), archive);
  const before = firstRotation(directory) ?? assert.fail();
  rmSync(archive.directory, { recursive: true });
  const source = engineList(directory, 'sha256');
  const start = await source.start();
  assert.deepEqual(start, { fromEntry: before.entries + 1, fromOffset: before.bytes });
  await assert.rejects(source.read(0), { code: 'IMA-ARCHIVE', message: new RegExp(`before entry ${start.fromEntry}`) });
  assert.ok((await source.read(start.fromOffset)).length > 0);
  const { list } = await MeasurementList.open(directory, machine.tpm, [], archive);
  assert.match(list.archive?.problem ?? '', new RegExp(`no entry before ${start.fromEntry} `));
  assert.notEqual(list.append([draft('/usr/bin/program-1')])[0], undefined, 'what nobody knows of is listed again');
  list.close();
});

test('an archive that is torn, changed, exchanged or of another list is refused, and the list goes on without', async () => {
  const spoil: readonly [what: string, spoil: (archive: string) => void][] = [
    ['torn', (archive) => truncateSync(join(archive, 'segment-000002'), 500)],
    ['empty', (archive) => truncateSync(join(archive, 'segment-000002'), 0)],
    ['longer', (archive) => appendFileSync(join(archive, 'segment-000002'), 'x')],
    ['exchanged', (archive) => copyFileSync(join(archive, 'segment-000001'), join(archive, 'segment-000002'))],
    [
      'changed in one bit',
      (archive) => {
        const path = join(archive, 'segment-000002');
        const bytes = readFileSync(path);
        writeFileSync(path, bytes.with(bytes.length - 2, (bytes.at(-2) ?? 0) ^ 1));
      },
    ],
  ];
  await using machine = await startTpm('simulated');
  using scratch = scratchDirectory();
  const { directory, archive } = placesIn(scratch.path);
  await measure(directory, machine.tpm, programs(50), archive);
  cpSync(archive.directory, join(scratch.path, 'good'), { recursive: true });
  for (const [what, change] of spoil) {
    rmSync(archive.directory, { recursive: true });
    cpSync(join(scratch.path, 'good'), archive.directory, { recursive: true });
    change(archive.directory);
    const checked = async (): Promise<void> => {
      await checkSegments((await archiveBefore(archive.directory, firstRotation(directory))).segments);
    };
    await assert.rejects(checked, { name: 'VerificationError', code: 'IMA-ARCHIVE', message: /segment-000002/ }, what);
    const { list } = await MeasurementList.open(directory, machine.tpm, [], archive);
    assert.match(list.archive?.problem ?? '', /segment-000002/, what);
    list.close();
  }
});

test('a record that says other values of the PCRs, or another list in its place, is no list of this machine', async () => {
  await using machine = await startTpm('simulated');
  await using other = await startTpm('simulated');
  using scratch = scratchDirectory();
  using elsewhere = scratchDirectory();
  const { directory, archive } = placesIn(scratch.path);
  await measure(directory, machine.tpm, programs(30), archive);
  const foreign = placesIn(elsewhere.path);
  await measure(foreign.directory, other.tpm, programs(30, 'foreign'), foreign.archive);
  copyFileSync(join(foreign.directory, LIST), join(directory, LIST));
  await assert.rejects(MeasurementList.open(directory, machine.tpm, [], archive), { code: 'PCR-FOREIGN' });
});

test('a new boot sets the archive aside with the list, and begins another', async () => {
  using scratch = scratchDirectory();
  const { directory, archive } = placesIn(scratch.path);
  for (const what of ['oldest', 'old', 'new']) {
    await using machine = await startTpm('simulated');
    await measure(directory, machine.tpm, programs(30, what), archive);
    assert.deepEqual(filesIn(await assertWholeReplays(directory, machine.tpm)), programs(30, what));
  }
  const previous = join(scratch.path, 'previous-as-one');
  cpSync(join(directory, 'previous'), previous, { recursive: true });
  symlinkSync(join(archive.directory, 'previous'), join(previous, 'archive'));
  assert.deepEqual(filesIn(await wholeList(previous)), programs(30, 'old'));
});

test('a directory that another engine or another list has is refused', async () => {
  await using machine = await startTpm('simulated');
  await using other = await startTpm('simulated');
  using scratch = scratchDirectory();
  using elsewhere = scratchDirectory();
  const { directory, archive } = placesIn(scratch.path);
  const { list } = await MeasurementList.open(directory, machine.tpm, [], archive);
  await assert.rejects(MeasurementList.open(elsewhere.path, other.tpm, [], archive), {
    code: 'ENGINE-ARCHIVE',
    message: /another engine/,
  });
  list.close();
  const another = { ...archive, directory: join(elsewhere.path, 'another') };
  await assert.rejects(MeasurementList.open(directory, machine.tpm, [], another), {
    code: 'ENGINE-ARCHIVE',
    message: /has its archive in/,
  });
});

test('entries that wait for the TPM are not put into the archive', async () => {
  await using machine = await startTpm('simulated');
  using scratch = scratchDirectory();
  const { directory, archive } = placesIn(scratch.path);
  const { list } = await MeasurementList.open(directory, machine.tpm, [], { ...archive, size: 100 });
  list.append([draft('/a')]);
  assert.equal(list.beginRotation(), undefined);
  await list.extendNext();
  assert.notEqual(list.beginRotation(), undefined);
  list.close();
});

test('an engine that is killed at any moment has listed all that it reported, once, and PCR 10 agrees', async (t) => {
  const swtpm = await startSwtpm();
  t.after(() => swtpm.stop());
  using scratch = scratchDirectory();
  const { directory, archive } = placesIn(scratch.path);
  const script = fileURLToPath(import.meta.resolve('./rotating-engine.ts'));
  const reported: string[] = [];
  for (let kill = 0; kill < KILLS; kill++) {
    const child = spawn(process.execPath, [script, swtpm.socketPath, directory, archive.directory, String(kill)]);
    const gone = once(child, 'exit');
    const enough = 1 + Math.floor(Math.random() * 20);
    let lines = 0;
    for await (const line of createInterface({ input: child.stdout })) {
      reported.push(line);
      if (++lines >= enough) child.kill('SIGKILL');
    }
    await gone;
    assert.ok(lines >= enough, 'it ended by itself');
  }
  const machine = new Tpm(await connectSwtpm(swtpm.socketPath));
  t.after(() => machine.close());
  await measure(directory, machine, ['/the/end'], { ...archive, size: 6000 });
  const files = filesIn(await assertWholeReplays(directory, machine));
  assert.equal(new Set(files).size, files.length, 'nothing is there twice');
  assert.deepEqual(
    files.filter((name) => reported.includes(name)),
    reported,
  );
  assert.ok(segments(archive.directory).length >= KILLS / 2);
});
