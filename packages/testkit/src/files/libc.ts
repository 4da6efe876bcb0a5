import { getSystemErrorName } from 'node:util';
import { errno, load } from 'koffi';

/** The same on all architectures. */
export const OPEN_TREE = 428;
/** include/uapi/linux/fcntl.h */
export const AT_FDCWD = -100;
export const AT_EMPTY_PATH = 0x1000;
/** include/uapi/linux/mount.h */
export const OPEN_TREE_CLONE = 1;

const libc = load(null);

type Call<Arguments extends readonly unknown[]> = (...given: Arguments) => number;

export const calls: {
  readonly open: Call<[path: string, flags: number]>;
  readonly close: Call<[fd: number]>;
  readonly lseek: Call<[fd: number, offset: number, whence: number]>;
  readonly pwrite: Call<[fd: number, bytes: Uint8Array, length: number, offset: number]>;
  readonly write: Call<[fd: number, bytes: Uint8Array, length: number]>;
  readonly fallocate: Call<[fd: number, mode: number, offset: number, length: number]>;
  readonly sendfile: Call<[to: number, from: number, offset: null, length: number]>;
  readonly splice: Call<[from: number, at: null, to: number, offset: Uint8Array | null, length: number, flags: number]>;
  readonly vmsplice: Call<[pipe: number, vector: Uint8Array, count: number, flags: number]>;
  readonly copyFileRange: Call<
    [from: number, at: null, to: number, offset: Uint8Array | null, length: number, flags: number]
  >;
  readonly pipe: Call<[fds: Uint8Array]>;
  readonly posixSpawn: Call<
    [pid: Uint8Array, path: string, actions: null, attributes: null, given: Uint8Array, environment: Uint8Array]
  >;
  readonly waitpid: Call<[pid: number, status: Uint8Array, options: number]>;
} = {
  open: libc.func('int open(const char *path, int flags)'),
  close: libc.func('int close(int fd)'),
  lseek: libc.func('int64_t lseek(int fd, int64_t offset, int whence)'),
  pwrite: libc.func('intptr_t pwrite(int fd, const void *bytes, size_t length, int64_t offset)'),
  write: libc.func('intptr_t write(int fd, const void *bytes, size_t length)'),
  fallocate: libc.func('int fallocate(int fd, int mode, int64_t offset, int64_t length)'),
  sendfile: libc.func('intptr_t sendfile(int to, int from, void *offset, size_t length)'),
  splice: libc.func('intptr_t splice(int from, void *at, int to, void *offset, size_t length, unsigned int flags)'),
  vmsplice: libc.func('intptr_t vmsplice(int pipe, const void *vector, size_t count, unsigned int flags)'),
  copyFileRange: libc.func(
    'intptr_t copy_file_range(int from, void *at, int to, void *offset, size_t length, unsigned int flags)',
  ),
  pipe: libc.func('int pipe(_Out_ void *fds)'),
  posixSpawn: libc.func(
    'int posix_spawn(_Out_ void *pid, const char *path, void *actions, void *attributes, const void *given, const void *environment)',
  ),
  waitpid: libc.func('int waitpid(int pid, _Out_ void *status, int options)'),
};

type Word = number | bigint | string | Uint8Array | null;

const syscallOf: (number: number, ...typed: unknown[]) => number = libc.func('long syscall(long number, ...)');

/** A call that the C library has no function for. @throws Error with the name of errno */
export function syscall(name: string, number: number, ...words: readonly Word[]): number {
  const typed = words.flatMap((word) => [typeOf(word), word]);
  return checked(name, syscallOf(number, ...typed));
}

function typeOf(word: Word): string {
  if (typeof word === 'number' || typeof word === 'bigint') return 'long';
  return typeof word === 'string' ? 'const char *' : 'void *';
}

/** @throws Error with the name of errno */
export function checked(name: string, result: number): number {
  if (result >= 0) return result;
  throw Object.assign(new Error(`${name}: ${getSystemErrorName(-errno())}`), { errno: errno() });
}

/** `value` for the architecture that this process runs on. */
export function onArchitecture<T>(values: { readonly x64: T; readonly arm64: T }): T {
  return process.arch === 'arm64' ? values.arm64 : values.x64;
}
