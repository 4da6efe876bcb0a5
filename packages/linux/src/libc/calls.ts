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

export const write: (fd: number, bytes: Uint8Array, length: number) => number = libc.func(
  'intptr_t write(int fd, const void *bytes, size_t length)',
);

export const close: (fd: number) => number = libc.func('int close(int fd)');

const fcntlOfInt: (fd: number, command: number, type: 'int', value: number) => number = libc.func(
  'int fcntl(int fd, int command, ...)',
);

/** fcntl for the commands that take an int. */
export function fcntl(fd: number, command: number, value: number): number {
  return fcntlOfInt(fd, command, 'int', value);
}

export const flock: (fd: number, operation: number) => number = libc.func('int flock(int fd, int operation)');

/** errno of the last call in this thread; left over from an earlier one where the last did not fail. */
export function lastErrno(): number {
  return errno();
}
