import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { utf8 } from '@assay/core/bytes';
import { nodeHasher } from '@assay/core/node';
import { SimulatedList } from '@assay/testkit/evidence';
import { engineList, kernelIma, kernelList, type MeasurementSource } from '@assay/linux/ima';

const COUNT = 'runtime_measurements_count';
const LIST = 'binary_runtime_measurements';

/** A directory as securityfs or an engine has it, with these files. */
function directoryWith(t: TestContext, files: Readonly<Record<string, string | Uint8Array>>): string {
  const directory = mkdtempSync(join(tmpdir(), 'assay-ima-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), content);
  return directory;
}

const text = async (source: MeasurementSource, fromOffset: number): Promise<string> =>
  Buffer.from(await source.read(fromOffset)).toString();

describe('kernelIma', () => {
  test('says that IMA is absent where no directory has a list', (t) => {
    const empty = directoryWith(t, {});
    for (const directories of [[], [empty], [join(empty, 'none'), empty]]) {
      assert.equal(kernelIma(directories).state, 'absent');
    }
  });

  test('takes the first directory that has a list, also through a symbolic link', (t) => {
    const one = directoryWith(t, { [LIST]: 'one', [COUNT]: '7\n' });
    const two = directoryWith(t, { [LIST]: 'two', [COUNT]: '9\n' });
    const link = join(directoryWith(t, {}), 'ima');
    symlinkSync(one, link);
    for (const directories of [
      [join(one, 'none'), one, two],
      [link, two],
    ]) {
      const ima = kernelIma(directories);
      assert.deepEqual([ima.state, ima.state === 'present' && ima.entries], ['present', 7]);
    }
  });

  test('says why a list cannot be read', (t) => {
    const directory = directoryWith(t, { [LIST]: '' });
    const without = kernelIma([directory]);
    assert.match(without.state === 'unreadable' ? without.reason : '', /ENOENT.*runtime_measurements_count/);
    mkdirSync(join(directory, COUNT));
    assert.equal(kernelIma([directory]).state, 'unreadable');
  });

  test('says that nothing is measured while only boot_aggregate is in the list', (t) => {
    for (const [count, measuring] of [
      ['0\n', false],
      ['1\n', false],
      ['2\n', true],
      ['68211\n', true],
    ] as const) {
      const ima = kernelIma([directoryWith(t, { [LIST]: '', [COUNT]: count })]);
      assert.deepEqual([ima.state, ima.state === 'present' && ima.measuring], ['present', measuring]);
    }
  });

  test('says that a count that is no number cannot be read', (t) => {
    for (const count of ['', 'many\n', '-1\n', '1.5\n']) {
      assert.equal(kernelIma([directoryWith(t, { [LIST]: '', [COUNT]: count })]).state, 'unreadable', count);
    }
  });

  test('reads the list of the SHA-256 bank, or the SHA-1 list of a kernel that has no other', async (t) => {
    const old = kernelIma([directoryWith(t, { [LIST]: 'sha1', [COUNT]: '2' })]);
    const names = { [LIST]: 'sha1', [`${LIST}_sha1`]: 'sha1', [`${LIST}_sha256`]: 'sha256', [COUNT]: '2' };
    const present = kernelIma([directoryWith(t, names)]);
    assert.ok(old.state === 'present' && present.state === 'present');
    assert.deepEqual([old.source.bank, await text(old.source, 0)], ['sha1', 'sha1']);
    assert.deepEqual([present.source.bank, await text(present.source, 0)], ['sha256', 'sha256']);
  });
});

/** A list with this many entries after the first. */
function listOf(entries: number): Buffer {
  const list = new SimulatedList();
  const digest = nodeHasher.digest('sha256', utf8('content'));
  list.begin(digest);
  for (let count = 0; count < entries; count++) list.measure(`/usr/bin/program-${count}`, digest);
  return Buffer.from(list.bytes());
}

interface Source {
  readonly open: (directory: string) => MeasurementSource;
  /** A poller tells once that there is a list at all. */
  readonly polls: boolean;
}

const SOURCES: Readonly<Record<string, Source>> = {
  'the list of an engine': { open: (directory) => engineList(directory, 'sha256'), polls: false },
  'the list of the kernel': { open: (directory) => kernelList(directory, `${LIST}_sha256`, 'sha256'), polls: true },
};

for (const [name, { open, polls }] of Object.entries(SOURCES)) {
  describe(name, () => {
    const file = `${LIST}_sha256`;

    test('is read from an offset to its end, and is empty at its end and past it', async (t) => {
      const content = listOf(1);
      const source = open(directoryWith(t, { [file]: content }));
      const { length } = content;
      for (const offset of [0, 5, length - 1, length, length + 1, 1_000_000]) {
        assert.deepEqual(Buffer.from(await source.read(offset)), content.subarray(offset), String(offset));
      }
    });

    test('is read whole where it is longer than one read, and again when it has grown', async (t) => {
      const content = listOf(7000);
      assert.ok(content.length > 600_000);
      const directory = directoryWith(t, { [file]: content });
      const source = open(directory);
      assert.deepEqual(Buffer.from(await source.read(0)), content);
      assert.deepEqual(Buffer.from(await source.read(300_000)), content.subarray(300_000));
      appendFileSync(join(directory, file), 'more');
      assert.equal(await text(source, content.length), 'more');
    });

    test('that is not there is an error', async (t) => {
      await assert.rejects(open(directoryWith(t, {})).read(0), { code: 'ENOENT' });
    });

    test('calls its watcher when the count was replaced, and not after the watch has ended', async (t) => {
      const directory = directoryWith(t, { [file]: '', [COUNT]: '1\n' });
      const calls = new Calls();
      const end = open(directory).watch(calls.count);
      t.after(end);
      if (polls) await calls.next();
      for (const count of ['2\n', '3\n']) {
        const next = calls.next();
        replaceCount(directory, count);
        await next;
      }
      end();
      const { seen } = calls;
      replaceCount(directory, '4\n');
      await delay(500);
      assert.equal(calls.seen, seen);
    });

    test('does not call its watcher while nothing happens, nor for other files', async (t) => {
      const directory = directoryWith(t, { [file]: '', [COUNT]: '1\n' });
      const calls = new Calls();
      t.after(open(directory).watch(calls.count));
      if (polls) await calls.next();
      const { seen } = calls;
      appendFileSync(join(directory, file), 'an entry that is not counted yet');
      writeFileSync(join(directory, 'violations'), '1\n');
      await delay(500);
      assert.equal(calls.seen, seen);
    });
  });
}

/** As an engine does, so that no reader sees half a number. */
function replaceCount(directory: string, count: string): void {
  writeFileSync(join(directory, 'count.new'), count);
  renameSync(join(directory, 'count.new'), join(directory, COUNT));
}

class Calls {
  seen = 0;
  #waiting: (() => void) | null = null;

  readonly count = (): void => {
    this.seen++;
    this.#waiting?.();
  };

  /** The next call; an error when none comes. */
  async next(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting = resolve;
    const limit = new AbortController();
    const late = delay(60_000, undefined, { signal: limit.signal }).then(() => {
      throw new Error('the watcher was not called');
    });
    await Promise.race([promise, late]);
    limit.abort();
    late.catch(() => undefined);
  }
}
