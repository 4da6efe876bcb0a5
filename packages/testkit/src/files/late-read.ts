import { closeSync, fstatSync, mkdtempSync, openSync, read, rmSync, writeFileSync, writeSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { view } from 'koffi';
import { onArchitecture, syscall } from './libc.ts';
import { mapShared } from './mapping.ts';

const MOUNT = onArchitecture({ x64: 165, arm64: 40 });
const UMOUNT2 = onArchitecture({ x64: 166, arm64: 39 });
const MNT_DETACH = 2;
const DEVICE = '/dev/fuse';
const PAGE = 4096;

/** include/uapi/linux/fuse.h: enum fuse_opcode, as far as a file system that is one file is asked */
const OPCODE = { forget: 2, attributes: 3, open: 14, read: 15, release: 18, flush: 25, init: 26 };
/** struct fuse_in_header, struct fuse_out_header, struct fuse_attr_out, struct fuse_open_out, struct fuse_init_out */
const SIZES = { asked: 40, answered: 16, attributes: 104, open: 16, init: 64 };
const FOPEN_DIRECT_IO = 1;
const REGULAR = 0o100644;
const LARGEST_REQUEST = 256 * 1024;
const ENOSYS = 38;

const readFrom = promisify(read);

/** A read of one page whose bytes arrive when somebody says so. Use it with `await using`. */
export interface LateRead extends AsyncDisposable {
  /** The bytes come. @returns when they are there */
  arrive(): Promise<void>;
}

/** Why {@link readLate} cannot be; undefined where it can. */
export function cannotReadLate(): string | undefined {
  try {
    closeSync(openSync(DEVICE, 'r+'));
    return undefined;
  } catch {
    return `the kernel has no ${DEVICE}`;
  }
}

/**
 * Reads into the last whole page of a file, through a shared mapping, from a file of FUSE that is read directly. The kernel keeps
 * the page until the bytes are there (mm/gup.c), though the file is mapped by nobody then, and closed.
 * @throws Error with the name of errno
 */
export async function readLate(path: string): Promise<LateRead> {
  const server = new OneFile();
  try {
    const source = await open(server.path, 'r');
    const target = openSync(path, 'r+');
    const { size } = fstatSync(target);
    const at = (Math.floor(size / PAGE) - 1) * PAGE;
    const mapping = mapShared(target, size, 0);
    const done = source.read(Buffer.from(view(mapping.pointer, size)), at, PAGE, 0);
    await Promise.race([server.asked, done]);
    mapping[Symbol.dispose]();
    closeSync(target);
    return lateRead(server, source, done);
  } catch (error) {
    server.end();
    throw error;
  }
}

function lateRead(server: OneFile, source: FileHandle, done: Promise<unknown>): LateRead {
  const arrive = async (): Promise<void> => {
    server.answerRead();
    await done;
  };
  const end = async (): Promise<void> => {
    await arrive();
    await source.close();
    server.end();
  };
  return { arrive, [Symbol.asyncDispose]: end };
}

/** A file system of FUSE that is one file, whose reading waits for an answer. */
class OneFile {
  readonly path: string;
  readonly #directory = mkdtempSync(join(tmpdir(), 'assay-late-'));
  readonly #device = openSync(DEVICE, 'r+');
  readonly #asked = Promise.withResolvers<void>();
  #waiting: bigint | undefined;

  constructor() {
    this.path = join(this.#directory, 'file');
    writeFileSync(this.path, '');
    const options = `fd=${this.#device},rootmode=${REGULAR.toString(8)},user_id=0,group_id=0`;
    syscall('mount', MOUNT, 'assay-test', this.path, 'fuse', 0, options);
    void this.#serve();
  }

  /** Over when the file is read. */
  get asked(): Promise<void> {
    return this.#asked.promise;
  }

  answerRead(): void {
    if (this.#waiting !== undefined) this.#answer(this.#waiting, Buffer.alloc(PAGE, 'late'));
    this.#waiting = undefined;
  }

  end(): void {
    syscall('umount2', UMOUNT2, this.path, MNT_DETACH);
    closeSync(this.#device);
    rmSync(this.#directory, { recursive: true });
  }

  /** Until the file system is gone (ENODEV). */
  async #serve(): Promise<void> {
    const request = Buffer.alloc(LARGEST_REQUEST);
    try {
      for (;;) {
        await readFrom(this.#device, request, 0, LARGEST_REQUEST, null);
        this.#hear(request.readUInt32LE(4), request.readBigUInt64LE(8));
      }
    } catch {
      this.#asked.resolve();
    }
  }

  #hear(operation: number, id: bigint): void {
    if (operation === OPCODE.forget) return;
    if (operation === OPCODE.read) {
      this.#waiting = id;
      this.#asked.resolve();
    } else this.#answer(id, ANSWERS[operation]?.());
  }

  #answer(id: bigint, content: Buffer | undefined): void {
    const header = Buffer.alloc(SIZES.answered);
    header.writeUInt32LE(SIZES.answered + (content?.length ?? 0));
    if (content === undefined) header.writeInt32LE(-ENOSYS, 4);
    header.writeBigUInt64LE(id, 8);
    writeSync(this.#device, Buffer.concat([header, content ?? Buffer.alloc(0)]));
  }
}

const nothing = (): Buffer => Buffer.alloc(0);

const ANSWERS: Readonly<Record<number, () => Buffer>> = {
  [OPCODE.init]: () => words(SIZES.init, { 0: 7, 4: 31, 20: 32 * PAGE }),
  [OPCODE.attributes]: () => words(SIZES.attributes, { 16: 1, 24: PAGE, 76: REGULAR, 80: 1 }),
  [OPCODE.open]: () => words(SIZES.open, { 8: FOPEN_DIRECT_IO }),
  [OPCODE.flush]: nothing,
  [OPCODE.release]: nothing,
};

/** Little-endian words at their places, all else 0. */
function words(size: number, given: Readonly<Record<number, number>>): Buffer {
  const bytes = Buffer.alloc(size);
  for (const [at, value] of Object.entries(given)) bytes.writeUInt32LE(value, Number(at));
  return bytes;
}
