import { errno, load } from 'koffi';

const libc = load(null);

/** The calls as the C library declares them. All return -1 on failure; read `lastErrno` at once then. */
export const fanotifyInit: (flags: number, eventFileFlags: number) => number = libc.func(
  'int fanotify_init(unsigned int flags, unsigned int event_f_flags)',
);

export const fanotifyMark: (fd: number, flags: number, mask: bigint, directory: number, path: string | null) => number =
  libc.func('int fanotify_mark(int fd, unsigned int flags, uint64_t mask, int dirfd, const char *path)');

/** `fds` holds one or more struct pollfd; `timeout` is in milliseconds. */
export const poll: (fds: Buffer, count: number, timeout: number) => number = libc.func(
  'int poll(_Inout_ void *fds, unsigned long count, int timeout)',
);

export const read: (fd: number, buffer: Buffer, length: number) => number = libc.func(
  'intptr_t read(int fd, _Out_ void *buffer, size_t length)',
);

export const socket: (domain: number, type: number, protocol: number) => number = libc.func(
  'int socket(int domain, int type, int protocol)',
);

export const connect: (fd: number, address: Uint8Array, length: number) => number = libc.func(
  'int connect(int fd, const void *address, unsigned int length)',
);

export const send: (fd: number, bytes: Uint8Array, length: number, flags: number) => number = libc.func(
  'intptr_t send(int fd, const void *bytes, size_t length, int flags)',
);

/** A struct msghdr by its address. */
export const sendmsg: (fd: number, message: number, flags: number) => number = libc.func(
  'intptr_t sendmsg(int fd, uintptr_t message, int flags)',
);

export const close: (fd: number) => number = libc.func('int close(int fd)');

/** The same three with memory by its address, for loops in which a call must not copy. */
export const pollAt: (fds: number, count: number, timeout: number) => number = libc.func(
  'int poll(uintptr_t fds, unsigned long count, int timeout)',
);

export const readAt: (fd: number, buffer: number, length: number) => number = libc.func(
  'intptr_t read(int fd, uintptr_t buffer, size_t length)',
);

export const writeAt: (fd: number, bytes: number, length: number) => number = libc.func(
  'intptr_t write(int fd, uintptr_t bytes, size_t length)',
);

/** fstatfs(2) into a struct statfs at an address. */
export const fstatfs: (fd: number, buffer: number) => number = libc.func('int fstatfs(int fd, uintptr_t buffer)');

export const statx: (fd: number, path: number, flags: number, mask: number, buffer: number) => number = libc.func(
  'int statx(int fd, uintptr_t path, int flags, unsigned int mask, uintptr_t buffer)',
);

export const eventfd: (initial: number, flags: number) => number = libc.func(
  'int eventfd(unsigned int initial, int flags)',
);

export const socketpair: (domain: number, type: number, protocol: number, pair: Uint8Array) => number = libc.func(
  'int socketpair(int domain, int type, int protocol, _Out_ void *pair)',
);

export const setrlimit: (resource: number, limits: Uint8Array) => number = libc.func(
  'int setrlimit(int resource, const void *limits)',
);

export const getrlimit: (resource: number, limits: Uint8Array) => number = libc.func(
  'int getrlimit(int resource, _Out_ void *limits)',
);

export const dup3: (from: number, to: number, flags: number) => number = libc.func(
  'int dup3(int from, int to, int flags)',
);

const fcntlOfInt: (fd: number, command: number, type: 'int', value: number) => number = libc.func(
  'int fcntl(int fd, int command, ...)',
);

/** fcntl for the commands that take an int. */
export function fcntl(fd: number, command: number, value: number): number {
  return fcntlOfInt(fd, command, 'int', value);
}

const fcntlOfAddress: (fd: number, command: number, type: 'uintptr_t', address: number) => number = libc.func(
  'int fcntl(int fd, int command, ...)',
);

/** fcntl for the commands that take the address of a structure. */
export function fcntlAt(fd: number, command: number, address: number): number {
  return fcntlOfAddress(fd, command, 'uintptr_t', address);
}

/** Signal sets are 128 bytes. The mask is that of the calling thread; returns an errno, and leaves `lastErrno` alone. */
export const pthreadSigmask: (how: number, set: number, old: number) => number = libc.func(
  'int pthread_sigmask(int how, uintptr_t set, uintptr_t old)',
);

export const signalfd: (fd: number, set: number, flags: number) => number = libc.func(
  'int signalfd(int fd, uintptr_t set, int flags)',
);

export const timerfdCreate: (clock: number, flags: number) => number = libc.func(
  'int timerfd_create(int clock, int flags)',
);

/** Two struct timespec, of the interval and of the first time. */
export const timerfdSettime: (fd: number, flags: number, value: Uint8Array, old: null) => number = libc.func(
  'int timerfd_settime(int fd, int flags, const void *value, void *old)',
);

export const gettid: () => number = libc.func('int gettid()');

export const flock: (fd: number, operation: number) => number = libc.func('int flock(int fd, int operation)');

/** The path ends with a zero. Memory is given by its address (`Pinned`). */
export const openat: (directory: number, path: number, flags: number) => number = libc.func(
  'int openat(int directory, uintptr_t path, int flags)',
);

export const fgetxattr: (fd: number, name: number, value: number, size: number) => number = libc.func(
  'intptr_t fgetxattr(int fd, uintptr_t name, uintptr_t value, size_t size)',
);

export const lgetxattr: (path: Uint8Array, name: number, value: number, size: number) => number = libc.func(
  'intptr_t lgetxattr(const void *path, uintptr_t name, uintptr_t value, size_t size)',
);

export const fsetxattr: (fd: number, name: number, value: number, size: number, flags: number) => number = libc.func(
  'int fsetxattr(int fd, uintptr_t name, uintptr_t value, size_t size, int flags)',
);

export const lsetxattr: (path: Uint8Array, name: number, value: number, size: number, flags: number) => number =
  libc.func('int lsetxattr(const void *path, uintptr_t name, uintptr_t value, size_t size, int flags)');

export const fremovexattr: (fd: number, name: number) => number = libc.func('int fremovexattr(int fd, uintptr_t name)');

export const lremovexattr: (path: Uint8Array, name: number) => number = libc.func(
  'int lremovexattr(const void *path, uintptr_t name)',
);

export const flistxattr: (fd: number, list: number, size: number) => number = libc.func(
  'intptr_t flistxattr(int fd, uintptr_t list, size_t size)',
);

export const llistxattr: (path: Uint8Array, list: number, size: number) => number = libc.func(
  'intptr_t llistxattr(const void *path, uintptr_t list, size_t size)',
);

const ioctlOfPointer: (fd: number, request: bigint, type: 'void *', argument: Uint8Array) => number = libc.func(
  'int ioctl(int fd, unsigned long request, ...)',
);

/** ioctl for the requests that take a pointer. */
export function ioctl(fd: number, request: number, argument: Uint8Array): number {
  return ioctlOfPointer(fd, BigInt(request), 'void *', argument);
}

/** bpf(2), by its number, for which the C library has no function; the attribute by its address. */
export const bpf: (number: number, command: number, attribute: number, size: number) => number = libc.func(
  'long syscall(long number, int command, uintptr_t attribute, unsigned int size)',
);

type Words = readonly (number | bigint | Uint8Array | string | null)[];

const syscallOf: (number: number, ...typed: unknown[]) => number = libc.func('long syscall(long number, ...)');

/** Calls for which the C library has no function; a word is a number or the address of bytes. */
export function syscall(number: number, ...words: Words): number {
  return syscallOf(number, ...words.flatMap((word) => [typeOf(word), word]));
}

function typeOf(word: Words[number]): string {
  if (typeof word === 'number' || typeof word === 'bigint') return 'long';
  return typeof word === 'string' ? 'const char *' : 'void *';
}

/** errno of the last call in this thread; left over from an earlier one where the last did not fail. */
export function lastErrno(): number {
  return errno();
}
