import assert from 'node:assert/strict';
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import promises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { utf8 } from '@assay/core/bytes';
import { nodeHasher } from '@assay/core/node';
import { SimulatedList } from '@assay/testkit/evidence';
import {
  canBeTrimmed,
  kernelList,
  spooledList,
  type MeasurementSource,
  type SpoolOptions,
  type SpoolState,
} from '@assay/linux/ima';

const FILE = 'binary_runtime_measurements_sha256';
const BOOT = '0f4c8a52-0000-4000-8000-000000000001';
const OTHER_BOOT = '0f4c8a52-0000-4000-8000-000000000002';

/** A list in a file that can be trimmed, and a directory for its spool. */
class Trimmed {
  readonly list = new SimulatedList();
  readonly directory: string;
  readonly spools: string;
  readonly #t: TestContext;
  #first = 1;

  constructor(t: TestContext, entries: number) {
    this.#t = t;
    this.directory = mkdtempSync(join(tmpdir(), 'assay-spool-'));
    this.spools = join(this.directory, 'state');
    t.after(() => rmSync(this.directory, { recursive: true, force: true }));
    this.list.begin(new Uint8Array(32).fill(1));
    this.grow(entries - 1);
  }

  grow(entries: number): void {
    for (let each = 0; each < entries; each++) {
      const path = `/usr/bin/program-${this.list.entries + 1}`;
      this.list.measure(path, nodeHasher.digest('sha256', utf8(path)));
    }
    this.write();
  }

  /** Takes away all before an entry, as the kernel does: whoever has the file open goes on reading the one of before. */
  trimTo(entry: number): void {
    this.#first = entry;
    this.write();
  }

  write(): void {
    writeFileSync(join(this.directory, 'next'), this.list.bytes(this.#first));
    renameSync(join(this.directory, 'next'), join(this.directory, FILE));
  }

  /** As an agent has it that starts. */
  source(options: Partial<SpoolOptions> = {}): MeasurementSource {
    const list = kernelList(this.directory, FILE, 'sha256');
    const source = spooledList(list, { directory: this.spools, bootId: BOOT, ...options });
    this.#t.after(() => source.close());
    return source;
  }

  /** The verifier has all before an entry. */
  async settle(source: MeasurementSource, entry: number): Promise<void> {
    await source.settle?.({ fromEntry: entry, fromOffset: this.list.offsetOf(entry) });
  }

  /** That all from an entry on is there, at its place. */
  async assertHas(source: MeasurementSource, entry: number): Promise<void> {
    const offset = this.list.offsetOf(entry);
    const { fromOffset } = await source.start();
    assert.ok(fromOffset <= offset, `it begins at ${fromOffset}, behind ${offset}`);
    assert.deepEqual(Buffer.from(await source.read(offset)), Buffer.from(this.list.bytes(entry)));
    assert.deepEqual(
      Buffer.from(await source.read(offset + 1, 700)),
      Buffer.from(this.list.bytes(entry).subarray(1, 701)),
    );
  }

  get spool(): string {
    return join(this.spools, `spool-${BOOT}`);
  }
}

describe('a list with a spool', () => {
  test('is the list of the kernel while nothing is trimmed', async (t) => {
    const trimmed = new Trimmed(t, 50);
    const source = trimmed.source();
    assert.deepEqual(await source.start(), { fromEntry: 1, fromOffset: 0 });
    await trimmed.assertHas(source, 1);
    trimmed.grow(3);
    await trimmed.assertHas(source, 7);
    assert.equal((await source.read(trimmed.list.bytes().length)).length, 0);
    assert.equal(statSync(trimmed.spool).mode & 0o777, 0o600);
  });

  test('loses nothing that was read, wherever it is trimmed, and whether the agent is killed between', async (t) => {
    for (const restarted of [false, true]) {
      for (const first of [2, 17, 50, 51]) {
        const trimmed = new Trimmed(t, 50);
        let source = trimmed.source();
        await source.start();
        trimmed.trimTo(first);
        if (restarted) source = trimmed.source();
        await trimmed.assertHas(source, 1);
        trimmed.grow(5);
        await trimmed.assertHas(source, 1);
        trimmed.trimTo(54);
        if (restarted) source = trimmed.source();
        await trimmed.assertHas(source, 1);
        await trimmed.assertHas(source, 53);
      }
    }
  });

  test('goes on where what the verifier has was trimmed, and forgets it', async (t) => {
    const trimmed = new Trimmed(t, 3000);
    let source = trimmed.source();
    await source.start();
    const { size } = statSync(trimmed.spool);
    await trimmed.settle(source, 2900);
    assert.ok(statSync(trimmed.spool).size < size / 10);
    for (const first of [5, 2890, 2950, 3001]) {
      trimmed.trimTo(first);
      await trimmed.assertHas(source, 2900);
      source = trimmed.source();
      await trimmed.assertHas(source, 2900);
    }
    const { fromEntry, fromOffset } = await source.start();
    assert.ok(fromEntry > 1 && fromEntry < 2900);
    assert.equal(fromOffset, trimmed.list.offsetOf(fromEntry));
    await assert.rejects(source.read(0), { code: 'IMA-LOG-TRIMMED' });
  });

  test('takes a list that has nothing in common with its spool to go on there, and says that it may lack something until the verifier has what is behind', async (t) => {
    const trimmed = new Trimmed(t, 20);
    let source = trimmed.source();
    await source.start();
    assert.equal(source.mayLack?.(), false);
    trimmed.grow(2);
    trimmed.trimTo(21);
    await trimmed.assertHas(source, 1);
    for (const settled of [20, 21]) {
      await trimmed.settle(source, settled);
      assert.equal(source.mayLack?.(), true);
      source = trimmed.source();
      await trimmed.assertHas(source, 1);
      assert.equal(source.mayLack?.(), true);
    }
    await trimmed.settle(source, 22);
    assert.equal(source.mayLack?.(), false);
    source = trimmed.source();
    await trimmed.assertHas(source, 1);
    assert.equal(source.mayLack?.(), false);
  });

  test('that lost something that nobody read says so for as long as it lasts', async (t) => {
    const trimmed = new Trimmed(t, 20);
    let source = trimmed.source();
    await source.start();
    trimmed.grow(2);
    trimmed.trimTo(22);
    const end = trimmed.list.offsetOf(21);
    for (let started = 0; started < 3; started++) {
      assert.deepEqual(Buffer.from(await source.read(end)), Buffer.from(trimmed.list.bytes(22)));
      assert.equal(source.mayLack?.(), true);
      await trimmed.settle(source, 21);
      trimmed.grow(1);
      source = trimmed.source();
    }
  });

  test('finds a spool that was torn anywhere, and what is damaged in it', async (t) => {
    const trimmed = new Trimmed(t, 12);
    await trimmed.source().start();
    const whole = readFileSync(trimmed.spool);
    for (let size = 0; size < whole.length; size += 41) {
      writeFileSync(trimmed.spool, whole);
      truncateSync(trimmed.spool, size);
      await trimmed.assertHas(trimmed.source(), 1);
      assert.deepEqual(readFileSync(trimmed.spool), whole);
    }
    for (let at = 0; at < whole.length; at += 29) {
      const damaged = Buffer.from(whole);
      damaged.writeUInt8(damaged.readUInt8(at) ^ 0x40, at);
      writeFileSync(trimmed.spool, damaged);
      await trimmed.assertHas(trimmed.source(), 1);
    }
    writeFileSync(trimmed.spool, whole);
    appendFileSync(trimmed.spool, whole.subarray(-40));
    await trimmed.assertHas(trimmed.source(), 1);
  });

  test('is bounded, says so, and goes on from the kernel; what the verifier has makes room', async (t) => {
    const trimmed = new Trimmed(t, 100);
    const states: SpoolState[] = [];
    const limit = 32 * 1024;
    const source = trimmed.source({ limit, onState: (state) => states.push(state) });
    await source.start();
    trimmed.grow(1000);
    await trimmed.assertHas(source, 1);
    assert.deepEqual(states, [{ state: 'keeping' }, { state: 'full', limit }]);
    assert.ok(statSync(trimmed.spool).size < limit + 256);
    trimmed.trimTo(50);
    await trimmed.assertHas(source, 1);
    trimmed.trimTo(101);
    await trimmed.assertHas(source, 1);
    for (let round = 0; round < 100 && states.at(-1)?.state === 'full'; round++) {
      await trimmed.settle(source, 1090);
      await source.start();
    }
    assert.equal(states.at(-1)?.state, 'keeping');
    trimmed.trimTo(1100);
    await trimmed.assertHas(source, 1090);
  });

  test('goes on from the kernel where nothing can be kept, says why, and keeps again when it can', async (t) => {
    const trimmed = new Trimmed(t, 10);
    writeFileSync(trimmed.spools, 'no directory');
    const states: SpoolState[] = [];
    const source = trimmed.source({ onState: (state) => states.push(state) });
    await trimmed.assertHas(source, 1);
    assert.match(states[0]?.state === 'failed' ? states[0].reason : '', /EEXIST|ENOTDIR/);
    rmSync(trimmed.spools);
    await trimmed.assertHas(source, 1);
    assert.deepEqual(
      states.map(({ state }) => state),
      ['failed', 'keeping'],
    );
    trimmed.trimTo(9);
    await trimmed.assertHas(source, 1);
  });

  test('of another boot, or another list, is removed', async (t) => {
    const trimmed = new Trimmed(t, 10);
    await trimmed.source({ bootId: OTHER_BOOT }).start();
    writeFileSync(join(trimmed.spools, `spool-${OTHER_BOOT}.new`), '');
    writeFileSync(join(trimmed.spools, 'agent.json'), '{}');
    await trimmed.source().start();
    assert.deepEqual(readdirSync(trimmed.spools).toSorted(), ['agent.json', `spool-${BOOT}`]);
    const another = new Trimmed(t, 1);
    another.list.measure('/opt/other', new Uint8Array(32).fill(9));
    another.write();
    mkdirSync(another.spools);
    writeFileSync(another.spool, readFileSync(trimmed.spool));
    await another.assertHas(another.source(), 1);
  });

  test('is the same list again after it was seen empty', async (t) => {
    const trimmed = new Trimmed(t, 10);
    const source = trimmed.source();
    await source.start();
    trimmed.trimTo(11);
    await trimmed.assertHas(source, 1);
    trimmed.trimTo(1);
    await trimmed.assertHas(source, 1);
    assert.equal(source.mayLack?.(), false);
    trimmed.grow(2);
    await trimmed.assertHas(source, 1);
  });

  test('of which nothing is sound but its place begins anew', async (t) => {
    const trimmed = new Trimmed(t, 3000);
    const source = trimmed.source();
    await source.start();
    await trimmed.settle(source, 2900);
    const header = readFileSync(trimmed.spool).indexOf('\n') + 1;
    truncateSync(trimmed.spool, header + 10);
    trimmed.trimTo(2950);
    const again = trimmed.source();
    assert.deepEqual(await again.start(), { fromEntry: 1, fromOffset: 0 });
    assert.deepEqual(Buffer.from(await again.read(0)), Buffer.from(trimmed.list.bytes(2950)));
  });

  test('is read when the program that trims it has closed it', async (t) => {
    const trimmed = new Trimmed(t, 5);
    const { open } = promises;
    let busy = 3;
    const opens = t.mock.method(promises, 'open', async (...given: Parameters<typeof open>) => {
      if (given[0] === join(trimmed.directory, FILE) && busy-- > 0) {
        throw Object.assign(new Error('EBUSY: resource busy or locked'), { code: 'EBUSY' });
      }
      return open(...given);
    });
    syncBuiltinESMExports();
    t.after(() => {
      opens.mock.restore();
      syncBuiltinESMExports();
    });
    await trimmed.assertHas(trimmed.source(), 1);
    assert.ok(busy < 0);
  });

  test('was trimmed before it was read first: it is what is left', async (t) => {
    const trimmed = new Trimmed(t, 10);
    trimmed.trimTo(4);
    const source = trimmed.source();
    assert.deepEqual(await source.start(), { fromEntry: 1, fromOffset: 0 });
    assert.deepEqual(Buffer.from(await source.read(0)), Buffer.from(trimmed.list.bytes(4)));
  });

  test('finds its place among entries that are all the same', async (t) => {
    const trimmed = new Trimmed(t, 2);
    for (let each = 0; each < 20; each++) trimmed.list.violate('/var/log/wtmp');
    trimmed.grow(1);
    for (const first of [2, 3, 10, 22]) {
      const source = trimmed.source();
      await source.start();
      trimmed.trimTo(first);
      await trimmed.assertHas(trimmed.source(), 1);
      await trimmed.assertHas(source, 1);
    }
  });

  test('keeps what is new before it tells of it', async (t) => {
    const trimmed = new Trimmed(t, 5);
    writeFileSync(join(trimmed.directory, 'runtime_measurements_count'), '5\n');
    const source = trimmed.source();
    const { promise, resolve } = Promise.withResolvers<void>();
    t.after(source.watch(resolve));
    await promise;
    trimmed.trimTo(6);
    await trimmed.assertHas(trimmed.source(), 1);
  });
});

test('a list can be trimmed where its file lets somebody write', (t) => {
  const { directory } = new Trimmed(t, 1);
  const list = kernelList(directory, FILE, 'sha256');
  assert.equal(canBeTrimmed(list), true);
  writeFileSync(join(directory, 'readable'), '', { mode: 0o440 });
  assert.equal(canBeTrimmed(kernelList(directory, 'readable', 'sha256')), false);
});
