import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  closeSync,
  copyFileSync,
  fstatSync,
  ftruncateSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { address, alloc, view } from 'koffi';
import { submitAio } from './aio.ts';
import { calls, checked, onArchitecture, syscall } from './libc.ts';
import {
  cloneFile,
  cloneRange,
  exchangeNames,
  linkUnnamed,
  openByHandle,
  swapExtents,
  swapWithBootLoader,
} from './exchange.ts';
import { mapForWriting, mapShared } from './mapping.ts';
import { writeByRing } from './ring.ts';

/** The last page of a file is what most ways change. */
const PAGE = 4096;
/** The last page may hold less. */
const TAIL = 16;
/** include/uapi/asm-generic/fcntl.h */
const O_RDWR = 2;
const O_DIRECT = onArchitecture({ x64: 0o40000, arm64: 0o200000 });
/** include/uapi/linux/falloc.h */
const PUNCH_HOLE = 0x3;
const ZERO_RANGE = 0x10;
const COLLAPSE_RANGE = 0x08;
const INSERT_RANGE = 0x20;
/** include/uapi/asm-generic/mman-common.h */
const MADV_REMOVE = 9;
/** RWF_APPEND */
const APPEND = 0x10;

type Way = (path: string) => void;

/**
 * Ways to change the content of a file. Each leaves nothing open and nothing mapped, and throws where the file system
 * does not have it.
 */
export const WAYS_TO_CHANGE: Readonly<Record<string, Way>> = {
  'write(2)': (path) => withFile(path, (fd, at) => checked('write', calls.write(seek(fd, at), fresh(), PAGE))),
  'write(2) with O_APPEND': (path) => appendFileSync(path, fresh()),
  'pwrite(2)': (path) => withFile(path, (fd, at) => checked('pwrite', calls.pwrite(fd, fresh(), PAGE, at))),
  'pwritev2(2) with RWF_APPEND': (path) => withFile(path, writeVector),
  'pwrite(2) with O_DIRECT': (path) => withFile(path, writeDirectly, O_RDWR | O_DIRECT),
  'truncate(2)': (path) => truncateSync(path, statSync(path).size - 1),
  'truncate(2) to a larger size': (path) => truncateSync(path, statSync(path).size + 1),
  'ftruncate(2)': (path) => withFile(path, (fd, at) => ftruncateSync(fd, at)),
  'fallocate(2) that punches a hole': (path) => allocate(path, PUNCH_HOLE),
  'fallocate(2) that zeroes a range': (path) => allocate(path, ZERO_RANGE),
  'fallocate(2) that collapses a range': (path) => allocate(path, COLLAPSE_RANGE),
  'fallocate(2) that inserts a range': (path) => allocate(path, INSERT_RANGE),
  'sendfile(2)': (path) => withSource(path, (from, to, at) => calls.sendfile(seek(to, at), from, null, PAGE)),
  'splice(2)': (path) => withPipe(path, (pipe) => calls.write(pipe, fresh(), PAGE)),
  'vmsplice(2) and splice(2)': (path) => withPipe(path, (pipe) => calls.vmsplice(pipe, vector(fresh()), 1, 0)),
  'copy_file_range(2)': (path) =>
    withSource(path, (from, to, at) => calls.copyFileRange(from, null, to, offsetOf(at), PAGE, 0)),
  'an io_uring write': (path) => withFile(path, (fd, at) => writeByRing(fd, fresh(), at)),
  'an asynchronous io_submit(2)': (path) => withFile(path, (fd, at) => submitAio(fd, fresh(), at)),
  'a store through a shared mapping': storeThroughMapping,
  'a store through a shared mapping after a read fault': (path) => {
    using mapping = mapForWriting(path);
    const at = Math.max(0, statSync(path).size - PAGE);
    mapping.load(at);
    mapping.store(at, fresh());
  },
  'madvise(2) that frees a range (MADV_REMOVE)': (path) =>
    withMapping(path, (at) => syscall('madvise', onArchitecture({ x64: 28, arm64: 233 }), at, TAIL, MADV_REMOVE)),
  'another file that is renamed over it': (path) => {
    copyFileSync(path, `${path}.new`);
    appendFileSync(`${path}.new`, fresh());
    renameSync(`${path}.new`, path);
  },
  'a write through another hard link': (path) => {
    linkSync(path, `${path}.link`);
    WAYS_TO_CHANGE['pwrite(2)']?.(`${path}.link`);
    rmSync(`${path}.link`);
  },
  'a write whose mtime is set back': (path) => {
    const { atime, mtime } = statSync(path);
    WAYS_TO_CHANGE['pwrite(2)']?.(path);
    utimesSync(path, atime, mtime);
  },
  'another file that gets its inode number': reuseInode,
  'a write by a loop device': writeByLoop,
  'a write to /proc/PID/mem, where it is mapped': (path) => withMapping(path, writeMemory),
  'process_vm_writev(2), where it is mapped': (path) => withMapping(path, writeVectorOfProcess),
  'a write by a handle (open_by_handle_at(2))': (path) => {
    const fd = openByHandle(path, O_RDWR);
    try {
      checked('pwrite', calls.pwrite(fd, fresh(), PAGE, lastPage(fd)));
    } finally {
      calls.close(fd);
    }
  },
  'another file that changes places with it (RENAME_EXCHANGE)': (path) => exchangeNames(path, fresh()),
  'a file without a name that is linked in its place (O_TMPFILE)': (path) => linkUnnamed(path, fresh()),
};

/** As {@link WAYS_TO_CHANGE}, of one file system alone. */
export const WAYS_OF_EXT4: Readonly<Record<string, Way>> = {
  'content that comes from the inode of the boot loader (EXT4_IOC_SWAP_BOOT)': (path) =>
    swapWithBootLoader(path, fresh()),
};

export const WAYS_OF_BTRFS: Readonly<Record<string, Way>> = {
  'a block that is cloned from another file (FICLONERANGE)': (path) => cloneRange(path, fresh()),
  'another file that is cloned as a whole (FICLONE)': (path) => cloneFile(path, fresh()),
};

export const WAYS_OF_XFS: Readonly<Record<string, Way>> = {
  ...WAYS_OF_BTRFS,
  'extents that change places with those of another file (XFS_IOC_SWAPEXT)': (path) => swapExtents(path, fresh()),
};

let count = 0;

/** A page of bytes that no other call gives. */
function fresh(): Buffer {
  return Buffer.alloc(PAGE, `${process.pid} ${process.hrtime.bigint()} ${++count} `);
}

function withFile(path: string, change: (fd: number, at: number) => unknown, flags = O_RDWR): void {
  const fd = checked('open', calls.open(path, flags));
  try {
    change(fd, lastPage(fd));
  } finally {
    calls.close(fd);
  }
}

function seek(fd: number, at: number): number {
  checked('lseek', calls.lseek(fd, at, 0));
  return fd;
}

function lastPage(fd: number): number {
  return Math.max(0, Math.floor((fstatSync(fd).size - 1) / PAGE)) * PAGE;
}

function allocate(path: string, mode: number): void {
  withFile(path, (fd, at) => {
    // A whole block within the file, which differs from its neighbours.
    checked('pwrite', calls.pwrite(fd, fresh(), PAGE, at));
    return checked('fallocate', calls.fallocate(fd, mode, at - PAGE, PAGE));
  });
}

function writeVector(fd: number): void {
  const number = onArchitecture({ x64: 328, arm64: 287 });
  syscall('pwritev2', number, fd, vector(fresh()), 1, -1, -1, APPEND);
}

/** struct iovec */
function vector(bytes: Buffer): Buffer {
  const memory = Buffer.alloc(16);
  memory.writeBigUInt64LE(address(bytes), 0);
  memory.writeBigUInt64LE(BigInt(bytes.length), 8);
  return memory;
}

function offsetOf(at: number): Buffer {
  const memory = Buffer.alloc(8);
  memory.writeBigUInt64LE(BigInt(at));
  return memory;
}

/** Whose memory begins at a page. */
function writeDirectly(fd: number, at: number): void {
  const memory: unknown = alloc('uint8_t', 2 * PAGE);
  const bytes = Buffer.from(view(memory, 2 * PAGE));
  const shift = (PAGE - Number(address(memory) % BigInt(PAGE))) % PAGE;
  const page = bytes.subarray(shift, shift + PAGE);
  page.set(fresh());
  checked('pwrite with O_DIRECT', calls.pwrite(fd, page, PAGE, at));
}

function withSource(path: string, copy: (from: number, to: number, at: number) => number): void {
  const source = `${path}.source`;
  writeFileSync(source, fresh());
  const from = openSync(source, 'r');
  try {
    withFile(path, (to, at) => checked('a copy', copy(from, to, at)));
  } finally {
    closeSync(from);
    rmSync(source);
  }
}

function withPipe(path: string, fill: (pipe: number) => number): void {
  const fds = Buffer.alloc(8);
  checked('pipe', calls.pipe(fds));
  const [output, input] = [fds.readInt32LE(0), fds.readInt32LE(4)];
  try {
    checked('to the pipe', fill(input));
    withFile(path, (to, at) => checked('splice', calls.splice(output, null, to, offsetOf(at), PAGE, 0)));
  } finally {
    calls.close(output);
    calls.close(input);
  }
}

function storeThroughMapping(path: string): void {
  using mapping = mapForWriting(path);
  mapping.store(Math.max(0, statSync(path).size - PAGE), fresh());
}

function withMapping(path: string, write: (at: bigint) => unknown): void {
  withFile(path, (fd, at) => {
    using mapping = mapShared(fd, fstatSync(fd).size, 0);
    write(mapping.start + BigInt(at));
  });
}

function writeMemory(at: bigint): void {
  const memory = openSync('/proc/self/mem', 'r+');
  try {
    checked('pwrite', calls.pwrite(memory, fresh(), TAIL, Number(at)));
  } finally {
    closeSync(memory);
  }
}

function writeVectorOfProcess(at: bigint): void {
  const bytes = fresh().subarray(0, TAIL);
  const there = Buffer.alloc(16);
  there.writeBigUInt64LE(at, 0);
  there.writeBigUInt64LE(BigInt(bytes.length), 8);
  const number = onArchitecture({ x64: 311, arm64: 271 });
  syscall('process_vm_writev', number, process.pid, vector(bytes), 1, there, 1, 0);
}

/** File systems give the number of an inode that was removed to one of the next that are made. */
function reuseInode(path: string): void {
  const { ino } = statSync(path);
  const content = Buffer.concat([readFileSync(path), fresh()]);
  rmSync(path);
  const others: string[] = [];
  try {
    for (let tries = 0; tries < 200; tries++) {
      const name = `${path}.${tries}`;
      writeFileSync(name, content, { mode: 0o755 });
      if (statSync(name).ino === ino) {
        renameSync(name, path);
        return;
      }
      others.push(name);
    }
    throw new Error('the number of the inode is not given again');
  } finally {
    for (const name of others) rmSync(name);
    if (!exists(path)) writeFileSync(path, content, { mode: 0o755 });
  }
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

/** As a block device: the kernel writes, not a process. */
function writeByLoop(path: string): void {
  const run = (...args: string[]): string => {
    const { status, stdout, stderr } = spawnSync('losetup', args, { encoding: 'utf8' });
    if (status !== 0) throw new Error(`losetup: ${stderr}`);
    return stdout.trim();
  };
  // A device has whole sectors.
  truncateSync(path, Math.ceil(statSync(path).size / PAGE) * PAGE);
  const device = run('--find', '--show', path);
  try {
    withFile(device, (fd) => {
      checked('pwrite', calls.pwrite(fd, fresh(), PAGE, statSync(path).size - PAGE));
      return syscall('fsync', onArchitecture({ x64: 74, arm64: 82 }), fd);
    });
  } finally {
    run('--detach', device);
  }
}
