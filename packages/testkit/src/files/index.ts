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

/** A file mapped shared and writable: stores reach it without write(2). Use it with `using`. */
export interface WritableMapping extends Disposable {
  store(offset: number, bytes: Uint8Array): void;
}

export function mapForWriting(path: string): WritableMapping {
  const fd = openSync(path, 'r+');
  const { size } = fstatSync(fd);
  const mapping = mmap(null, size, PROT_READ_WRITE, MAP_SHARED, fd, 0);
  closeSync(fd);
  const start = address(mapping);
  if (start === MAP_FAILED) throw new Error(`mmap of ${path} failed`);
  return {
    store: (offset, bytes) => {
      if (offset + bytes.length > size) throw new RangeError('a store behind the end of the file');
      memcpy(start + BigInt(offset), bytes, bytes.length);
    },
    [Symbol.dispose]: () => {
      munmap(mapping, size);
    },
  };
}
