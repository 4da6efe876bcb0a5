// A process that changes and runs files, as a test tells it: one line of JSON in, one line out.
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, closeSync, constants, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { removeXattr, setXattr } from '@assay/linux/xattr';
import {
  changeAtTheSameTime,
  mapForWriting,
  mountMapped,
  moveBlocks,
  openByMemory,
  readLate,
  setClockToNow,
  WAYS_OF_EXT4,
  WAYS_OF_XFS,
  WAYS_TO_CHANGE,
  type LateRead,
  type WritableMapping,
} from '@assay/testkit/files';

const LIMIT_MS = 60_000;
const mappings = new Map<string, WritableMapping>();
const lateReads = new Map<string, LateRead>();
let count = 0;

const actions: Readonly<Record<string, (...given: string[]) => unknown>> = {
  /** Exit code of a program, or the name of errno. */
  run: (program = '', ...given) => {
    const { status, signal, error } = spawnSync(program, given, { stdio: 'ignore', timeout: LIMIT_MS });
    if (error !== undefined) return 'code' in error ? error.code : error.message;
    return status ?? signal;
  },
  change: (way = '', path = '') => {
    const change = { ...WAYS_TO_CHANGE, ...WAYS_OF_EXT4, ...WAYS_OF_XFS }[way];
    if (change === undefined) throw new Error(`no such way: ${way}`);
    change(path);
    return 'changed';
  },
  /** Sets the clock, and changes a file where one is given. */
  clock: (path = '') => {
    if (path === '') setClockToNow();
    else changeAtTheSameTime(path);
    return 'set';
  },
  replace: (path = '', old = '', fresh = '') => {
    const fd = openSync(path, 'r+');
    const at = readFileSync(fd).indexOf(old);
    writeSync(fd, fresh, at);
    fsyncSync(fd);
    closeSync(fd);
    return at;
  },
  /** Replaces bytes of a file on its block device, and lets the kernel read the file anew. */
  below: (path = '', old = '', fresh = '') => {
    const device = spawnSync('findmnt', ['--noheadings', '--output', 'SOURCE', '--target', path], { encoding: 'utf8' });
    const at = actions['replace']?.(device.stdout.trim(), old, fresh);
    spawnSync('dd', [`if=${path}`, 'iflag=nocache', 'count=0'], { stdio: 'ignore' });
    return at;
  },
  move: (path = '') => {
    moveBlocks(path);
    return 'moved';
  },
  map: (path = '') => {
    mappings.set(path, mapForWriting(path));
    return 'mapped';
  },
  store: (path = '', offset = '0') => {
    mappings.get(path)?.store(Number(offset), Buffer.from(`store ${++count}`));
    return 'stored';
  },
  /** Begins a read into a mapping of the file, which is unmapped before the bytes come. */
  expect: async (path = '') => {
    lateReads.set(path, await readLate(path));
    return 'expected';
  },
  arrive: async (path = '') => {
    await lateReads.get(path)?.arrive();
    await lateReads.get(path)?.[Symbol.asyncDispose]();
    return 'arrived';
  },
  mapIds: async (directory = '', at = '', user = '0') => {
    await mountMapped(directory, at, Number(user));
    return 'mounted';
  },
  load: (path = '', offset = '0') => mappings.get(path)?.load(Number(offset)),
  unmap: (path = '') => {
    mappings.get(path)?.[Symbol.dispose]();
    return 'unmapped';
  },
  /** Writes what another file begins with, after some microseconds; where asked for, without ever waiting to open it. */
  overwrite: (path = '', from = '', after = '0', how = '') => {
    const content = readFileSync(from);
    for (const end = performance.now() + Number(after) / 1000; performance.now() < end; );
    const fd = openForWriting(path, how === 'impatiently');
    writeSync(fd, content, 0, content.length, 0);
    closeSync(fd);
    return 'written';
  },
  /** Opens a file for writing and closes it, again and again. */
  bother: (path = '', times = '0') => {
    for (let time = 0; time < Number(times); time++) closeSync(openForWriting(path, false));
    return 'done';
  },
  /** Opens a file for reading, by openat2(2). */
  openat2: (path = '') => {
    closeSync(openByMemory(path));
    return 'read';
  },
  chmod: (path = '', mode = '') => {
    chmodSync(path, Number.parseInt(mode, 8));
    return 'changed';
  },
  chown: (path = '', uid = '0') => {
    chownSync(path, Number(uid), 0);
    return 'changed';
  },
  label: (path = '', name = '', hex = '') => {
    if (hex === '') removeXattr(Buffer.from(path), name);
    else setXattr(Buffer.from(path), name, Buffer.from(hex, 'hex'));
    return 'labelled';
  },
};

function openForWriting(path: string, isImpatient: boolean): number {
  for (;;) {
    try {
      return openSync(path, constants.O_RDWR | (isImpatient ? constants.O_NONBLOCK : 0));
    } catch (error) {
      // EAGAIN: somebody has a lease. ETXTBSY: it is executed.
      if (!(error instanceof Error && 'code' in error && (error.code === 'EAGAIN' || error.code === 'ETXTBSY')))
        throw error;
    }
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const request: unknown = JSON.parse(line);
  const [name = '', ...given] = Array.isArray(request) ? request.map(String) : [];
  try {
    process.stdout.write(`${JSON.stringify({ result: await actions[name]?.(...given) })}\n`);
  } catch (error) {
    process.stdout.write(`${JSON.stringify({ error: String(error) })}\n`);
  }
}
