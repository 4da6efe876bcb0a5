import { readFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { getSystemErrorName } from 'node:util';
import { address } from 'koffi';
import { openByHandle, openUnnamed } from './exchange.ts';
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  calls,
  checked,
  onArchitecture,
  OPEN_TREE,
  OPEN_TREE_CLONE,
  syscall,
} from './libc.ts';

const EXECVEAT = onArchitecture({ x64: 322, arm64: 281 });
const SETRESUID = onArchitecture({ x64: 117, arm64: 147 });
const MEMFD_CREATE = onArchitecture({ x64: 319, arm64: 279 });
const OPENAT = onArchitecture({ x64: 257, arm64: 56 });
const FSOPEN = 430;
const FSCONFIG = 431;
const FSMOUNT = 432;
/** include/uapi/linux/mount.h */
const FSCONFIG_CMD_CREATE = 6;
const O_CREAT_RDWR = 0o102;
const O_PATH = 0o10000000;

/** Becomes the program, by a descriptor that cannot be read. @throws Error with the name of errno */
export function executePathDescriptor(path: string): never {
  return execute(checked('open', calls.open(path, O_PATH)), path);
}

/** This thread alone goes on as another user (the C library's function would take all threads along). */
export function becomeUser(uid: number): void {
  syscall('setresuid', SETRESUID, uid, uid, uid);
}

/** Becomes the program, by a descriptor that was opened by no path. @throws Error with the name of errno */
export function executeByHandle(path: string): never {
  return execute(openByHandle(path, 0), path);
}

/** Becomes a copy of the program that has no name, beside it (O_TMPFILE). @throws Error with the name of errno */
export function executeUnnamed(path: string): never {
  const written = openUnnamed(dirname(path));
  const content = readFileSync(path);
  checked('write', calls.write(written, content, content.length));
  const fd = checked('open', calls.open(`/proc/self/fd/${written}`, 0));
  calls.close(written);
  return execute(fd, path);
}

/** Becomes a copy of the program that lies in memory alone. @throws Error with the name of errno */
export function executeFromMemory(path: string): never {
  const fd = syscall('memfd_create', MEMFD_CREATE, 'assay-test', 0);
  const content = readFileSync(path);
  checked('write', calls.write(fd, content, content.length));
  return execute(fd, path);
}

/** Becomes the program, through a mount of its directory that is attached nowhere (open_tree(2)). @throws as the others */
export function executeDetached(path: string): never {
  const tree = syscall('open_tree', OPEN_TREE, AT_FDCWD, dirname(path), OPEN_TREE_CLONE);
  return execute(syscall('openat', OPENAT, tree, basename(path), O_PATH), path);
}

/** Becomes a copy of the program on a new tmpfs that is attached nowhere (fsmount(2)). @throws as the others */
export function executeUnmounted(path: string): never {
  const context = syscall('fsopen', FSOPEN, 'tmpfs', 0);
  syscall('fsconfig', FSCONFIG, context, FSCONFIG_CMD_CREATE, null, null, 0);
  const mount = syscall('fsmount', FSMOUNT, context, 0, 0);
  const written = syscall('openat', OPENAT, mount, 'copy', O_CREAT_RDWR, 0o755);
  const content = readFileSync(path);
  checked('write', calls.write(written, content, content.length));
  calls.close(written);
  return execute(syscall('openat', OPENAT, mount, 'copy', O_PATH), path);
}

/**
 * Executes a program and waits for its end, with as little around it as there can be: no pipes, no environment. Blocks.
 * @returns wait status, 0 after exit(0)
 */
export function executeToEnd(path: string): number {
  const argument = Buffer.from(`${path}\0`);
  const list = Buffer.alloc(16);
  list.writeBigUInt64LE(address(argument));
  const [pid, status] = [Buffer.alloc(4), Buffer.alloc(4)];
  const errno = calls.posixSpawn(pid, path, null, null, list, Buffer.alloc(8));
  if (errno !== 0) throw new Error(`posix_spawn: ${getSystemErrorName(-errno)}`);
  checked('waitpid', calls.waitpid(pid.readInt32LE(), status, 0));
  return status.readInt32LE();
}

function execute(fd: number, name: string): never {
  const argument = Buffer.from(`${name}\0`);
  const list = Buffer.alloc(16);
  list.writeBigUInt64LE(address(argument));
  syscall('execveat', EXECVEAT, fd, '', list, Buffer.alloc(8), AT_EMPTY_PATH);
  throw new Error('execveat came back');
}
