import { address } from 'koffi';
import { onArchitecture, syscall } from './libc.ts';

/** arch/x86/entry/syscalls/syscall_64.tbl, include/uapi/asm-generic/unistd.h */
const SETUP = onArchitecture({ x64: 206, arm64: 0 });
const DESTROY = onArchitecture({ x64: 207, arm64: 1 });
const GETEVENTS = onArchitecture({ x64: 208, arm64: 4 });
const SUBMIT = onArchitecture({ x64: 209, arm64: 2 });
/** IOCB_CMD_PWRITE of include/uapi/linux/aio_abi.h */
const PWRITE = 1;

/** Writes by Linux AIO and waits until it is done. */
export function submitAio(fd: number, bytes: Buffer, offset: number): void {
  const context = Buffer.alloc(8);
  syscall('io_setup', SETUP, 1, context);
  const id = context.readBigUInt64LE();
  try {
    const control = controlBlock(fd, bytes, offset);
    const list = Buffer.alloc(8);
    list.writeBigUInt64LE(address(control));
    syscall('io_submit', SUBMIT, id, 1, list);
    const event = Buffer.alloc(32);
    syscall('io_getevents', GETEVENTS, id, 1, 1, event, null);
    if (event.readBigInt64LE(16) !== BigInt(bytes.length)) throw new Error('io_submit wrote less');
  } finally {
    syscall('io_destroy', DESTROY, id);
  }
}

/** struct iocb */
function controlBlock(fd: number, bytes: Buffer, offset: number): Buffer {
  const block = Buffer.alloc(64);
  block.writeUInt16LE(PWRITE, 16);
  block.writeUInt32LE(fd, 20);
  block.writeBigUInt64LE(address(bytes), 24);
  block.writeBigUInt64LE(BigInt(bytes.length), 32);
  block.writeBigInt64LE(BigInt(offset), 40);
  return block;
}
