import { callFailed, close, connect, lastErrno, Pinned, sendmsg, socket } from '../libc/index.ts';

/** include/linux/socket.h, and the types of sockets of all architectures but MIPS */
const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const MSG_NOSIGNAL = 0x4000;
/** sizeof(struct msghdr), struct iovec and struct cmsghdr where pointers have 64 bits. */
const MESSAGE_SIZE = 56;
const VECTOR_SIZE = 16;
const CONTROL_SIZE = 16;
/** sizeof(sun_path), with the zero at its end. */
const LONGEST_PATH = 108;

/**
 * Sends one datagram, with descriptors of this process as the receiver's own.
 * @param path of the socket; one that begins with `@` is in the abstract namespace (unix(7))
 * @throws SystemError SYSTEM-CALL, NOT-PERMITTED; RangeError for a path that no socket can have
 */
export function sendDatagram(path: string, text: string, descriptors: readonly number[] = []): void {
  const address = socketAddress(path);
  const fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) throw callFailed('socket', lastErrno());
  try {
    if (connect(fd, address, address.length) < 0) throw callFailed(`connect to ${path}`, lastErrno());
    if (sendOn(fd, Buffer.from(text), descriptors) < 0) throw callFailed(`sendmsg to ${path}`, lastErrno());
  } finally {
    close(fd);
  }
}

/** struct sockaddr_un, as long as its path. */
function socketAddress(path: string): Uint8Array {
  const name = Buffer.from(path.replace(/^@/, '\0'));
  if (name.length < 2 || name.length >= LONGEST_PATH) throw new RangeError(`${JSON.stringify(path)} is no socket`);
  const address = Buffer.alloc(2 + name.length);
  address.writeUInt16LE(AF_UNIX, 0);
  address.set(name, 2);
  return address;
}

function sendOn(fd: number, content: Uint8Array, descriptors: readonly number[]): number {
  const text = new Pinned(content.length);
  text.bytes.set(content);
  const vector = new Pinned(VECTOR_SIZE);
  vector.bytes.writeBigUInt64LE(BigInt(text.address), 0);
  vector.bytes.writeBigUInt64LE(BigInt(content.length), 8);
  const message = new Pinned(MESSAGE_SIZE);
  message.bytes.writeBigUInt64LE(BigInt(vector.address), 16);
  message.bytes.writeBigUInt64LE(1n, 24);
  if (descriptors.length === 0) return sendmsg(fd, message.address, MSG_NOSIGNAL);
  const control = rights(descriptors);
  message.bytes.writeBigUInt64LE(BigInt(control.address), 32);
  message.bytes.writeBigUInt64LE(BigInt(control.bytes.length), 40);
  return sendmsg(fd, message.address, MSG_NOSIGNAL);
}

/** cmsg(3): a header, the descriptors, and up to a multiple of eight bytes. */
function rights(descriptors: readonly number[]): Pinned {
  const length = CONTROL_SIZE + 4 * descriptors.length;
  const control = new Pinned(Math.ceil(length / 8) * 8);
  control.bytes.writeBigUInt64LE(BigInt(length), 0);
  control.bytes.writeInt32LE(SOL_SOCKET, 8);
  control.bytes.writeInt32LE(SCM_RIGHTS, 12);
  for (const [index, fd] of descriptors.entries()) control.bytes.writeInt32LE(fd, CONTROL_SIZE + 4 * index);
  return control;
}
