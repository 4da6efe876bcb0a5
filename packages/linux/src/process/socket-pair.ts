import { callFailed, close, dup3, fcntl, lastErrno, socketpair } from '../libc/index.ts';

/** include/linux/socket.h, include/linux/net.h */
const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_CLOEXEC = 0o2000000;
const SOCK_NONBLOCK = 0o4000;

/** include/uapi/linux/fcntl.h */
const F_DUPFD_CLOEXEC = 1030;
const O_CLOEXEC = 0o2000000;

/** A descriptor that node:fs does not know. */
export interface OwnDescriptor {
  readonly fd: number;
  close(): void;
}

/** Two ends of a socket that does not block; a process that is started inherits one where its `stdio` names it. */
export function socketPair(): [OwnDescriptor, OwnDescriptor] {
  const pair = Buffer.alloc(8);
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0) {
    throw callFailed('socketpair', lastErrno());
  }
  const of = (offset: number): OwnDescriptor => {
    const fd = pair.readInt32LE(offset);
    return { fd, close: () => void close(fd) };
  };
  return [of(0), of(4)];
}

/** Another descriptor of the same. @throws SystemError SYSTEM-CALL */
export function duplicateDescriptor(fd: number): number {
  const duplicate = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (duplicate < 0) throw callFailed('fcntl F_DUPFD_CLOEXEC', lastErrno());
  return duplicate;
}

/** Lets a descriptor mean something else, in one step: who uses it meanwhile uses one or the other. */
export function replaceDescriptor(fd: number, by: number): void {
  if (dup3(by, fd, O_CLOEXEC) < 0) throw callFailed('dup3', lastErrno());
}
