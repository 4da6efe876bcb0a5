import { closeSync, fstatSync, openSync } from 'node:fs';
import { address, load } from 'koffi';

const libc = load(null);
const mmap: (
  ...of: [at: null, length: number, protection: number, flags: number, fd: number, offset: number]
) => unknown = libc.func('void *mmap(void *at, size_t length, int protection, int flags, int fd, int64_t offset)');
const munmap: (at: unknown, length: number) => number = libc.func('int munmap(void *at, size_t length)');
const memcpy: (to: bigint, from: Uint8Array, length: number) => unknown = libc.func(
  'void *memcpy(void *to, const void *from, size_t length)',
);

/** include/uapi/asm-generic/mman-common.h */
const PROT_READ_WRITE = 3;
const MAP_SHARED = 1;
const MAP_FAILED = 2n ** 64n - 1n;

/** Memory that is shared with a descriptor. Use it with `using`. */
interface SharedMapping extends Disposable {
  /** For koffi. */
  readonly pointer: unknown;
  readonly start: bigint;
}

export function mapShared(fd: number, length: number, offset: number): SharedMapping {
  const pointer = mmap(null, length, PROT_READ_WRITE, MAP_SHARED, fd, offset);
  const start = address(pointer);
  if (start === MAP_FAILED) throw new Error('mmap failed');
  const unmap = (): void => {
    munmap(pointer, length);
  };
  return { pointer, start, [Symbol.dispose]: unmap };
}

/** A file mapped shared and writable: stores reach it without write(2). Use it with `using`. */
export interface WritableMapping extends Disposable {
  store(offset: number, bytes: Uint8Array): void;
  /** A read fault: the page is there before the first store. */
  load(offset: number): number;
}

export function mapForWriting(path: string): WritableMapping {
  const fd = openSync(path, 'r+');
  const { size } = fstatSync(fd);
  const mapping = mapShared(fd, size, 0);
  closeSync(fd);
  return {
    store: (offset, bytes) => {
      if (offset + bytes.length > size) throw new RangeError('a store behind the end of the file');
      memcpy(mapping.start + BigInt(offset), bytes, bytes.length);
    },
    load: (offset) => {
      const byte = Buffer.alloc(1);
      copyOut(byte, mapping.start + BigInt(offset), 1);
      return byte[0] ?? 0;
    },
    [Symbol.dispose]: () => mapping[Symbol.dispose](),
  };
}

const copyOut: (to: Uint8Array, from: bigint, length: number) => unknown = libc.func(
  'void *memcpy(_Out_ void *to, const void *from, size_t length)',
);
