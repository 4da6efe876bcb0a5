import { address, view } from 'koffi';
import { calls, syscall } from './libc.ts';
import { mapShared } from './mapping.ts';

/** The same on all architectures. */
const SETUP = 425;
const ENTER = 426;
/** include/uapi/linux/io_uring.h */
const GETEVENTS = 1;
const WRITE = 23;
const RING_OFFSET = 0;
const ENTRIES_OFFSET = 0x1000_0000;
const RING_BYTES = 4096;

/** Writes by a ring of its own and waits until it is done. */
export function writeByRing(fd: number, bytes: Buffer, offset: number): void {
  const parameters = Buffer.alloc(120);
  const ring = syscall('io_uring_setup', SETUP, 1, parameters);
  try {
    using rings = mapShared(ring, RING_BYTES, RING_OFFSET);
    using entries = mapShared(ring, RING_BYTES, ENTRIES_OFFSET);
    writeEntry(Buffer.from(view(entries.pointer, 64)), fd, bytes, offset);
    const shared = Buffer.from(view(rings.pointer, RING_BYTES));
    // struct io_sqring_offsets: head, tail, ring_mask, ring_entries, flags, dropped, array.
    shared.writeUInt32LE(0, parameters.readUInt32LE(40 + 24));
    shared.writeUInt32LE(1, parameters.readUInt32LE(40 + 4));
    syscall('io_uring_enter', ENTER, ring, 1, 1, GETEVENTS, null, 0);
    // struct io_cqring_offsets: the entries are its sixth word.
    const completion = parameters.readUInt32LE(80 + 20);
    if (shared.readInt32LE(completion + 8) !== bytes.length) throw new Error('io_uring wrote less');
  } finally {
    calls.close(ring);
  }
}

/** struct io_uring_sqe */
function writeEntry(entry: Buffer, fd: number, bytes: Buffer, offset: number): void {
  entry.fill(0);
  entry.writeUInt8(WRITE, 0);
  entry.writeInt32LE(fd, 4);
  entry.writeBigUInt64LE(BigInt(offset), 8);
  entry.writeBigUInt64LE(address(bytes), 16);
  entry.writeUInt32LE(bytes.length, 24);
}
