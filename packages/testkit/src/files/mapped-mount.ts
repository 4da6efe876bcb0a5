import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { AT_EMPTY_PATH, AT_FDCWD, calls, OPEN_TREE, OPEN_TREE_CLONE, syscall } from './libc.ts';

/** The same on all architectures. */
const MOVE_MOUNT = 429;
const MOUNT_SETATTR = 442;
/** include/uapi/linux/mount.h */
const MOUNT_ATTR_IDMAP = 0x10_0000n;
const MOVE_MOUNT_F_EMPTY_PATH = 4;

/** Mounts a directory once more, where files of root belong to another user (mount_setattr(2)). @throws Error with the name of errno */
export async function mountMapped(directory: string, at: string, user: number): Promise<void> {
  const holder = spawn('unshare', ['--user', 'sh', '-c', 'echo; read line'], { stdio: ['pipe', 'pipe', 'inherit'] });
  try {
    await once(holder.stdout, 'data');
    for (const map of ['uid_map', 'gid_map']) writeFileSync(`/proc/${holder.pid}/${map}`, `0 ${user} 1\n`);
    const namespace = openSync(`/proc/${holder.pid}/ns/user`, 'r');
    attachMapped(directory, at, namespace);
    closeSync(namespace);
  } finally {
    holder.kill('SIGKILL');
  }
}

function attachMapped(directory: string, at: string, namespace: number): void {
  const tree = syscall('open_tree', OPEN_TREE, AT_FDCWD, directory, OPEN_TREE_CLONE);
  // struct mount_attr
  const attributes = Buffer.alloc(32);
  attributes.writeBigUInt64LE(MOUNT_ATTR_IDMAP, 0);
  attributes.writeBigUInt64LE(BigInt(namespace), 24);
  syscall('mount_setattr', MOUNT_SETATTR, tree, '', AT_EMPTY_PATH, attributes, attributes.length);
  syscall('move_mount', MOVE_MOUNT, tree, '', AT_FDCWD, at, MOVE_MOUNT_F_EMPTY_PATH);
  calls.close(tree);
}
