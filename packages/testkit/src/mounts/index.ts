import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onArchitecture, syscall } from '../files/libc.ts';

/** include/uapi/linux/capability.h */
const CAP_SYS_ADMIN = 21n;

const UNSHARE = onArchitecture({ x64: 272, arm64: 97 });
/** include/uapi/linux/sched.h */
const CLONE_NEWNS = 0x20000;

const MEGABYTE = 1024 * 1024;

/** A file system of the test's own. `remove` unmounts it and removes what held it; use it with `using`. */
export interface ScratchMount extends Disposable {
  readonly path: string;
}

/** Why this process cannot mount; undefined where it can. For the `skip` option of node:test. */
export function cannotMount(): string | undefined {
  const effective = /^CapEff:\t([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1] ?? '0';
  const capable = ((BigInt(`0x${effective}`) >> CAP_SYS_ADMIN) & 1n) === 1n;
  return process.getuid?.() === 0 && capable ? undefined : 'mounting a file system needs root with CAP_SYS_ADMIN';
}

/**
 * From now on this thread, and what it starts, sees mounts that no other process copies (unshare(2)): what is unmounted is gone.
 */
export function enterOwnMountNamespace(): void {
  syscall('unshare', UNSHARE, CLONE_NEWNS);
  run('mount', ['--make-rprivate', '/']);
}

export function mountTmpfs(): ScratchMount {
  const path = scratchDirectory();
  run('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'assay-test', path]);
  return { path, [Symbol.dispose]: () => unmount(path, path) };
}

/**
 * An ext4 file system in a file, on a loop device.
 * @param given to mkfs.ext4, such as `-Overity`
 */
export function mountExt4(...given: readonly string[]): ScratchMount {
  return mountImage('mkfs.ext4', ['-q', '-F', ...given], 64 * MEGABYTE);
}

/** An xfs file system of the smallest size that mkfs.xfs makes, most of it a hole. */
export function mountXfs(): ScratchMount {
  return mountImage('mkfs.xfs', ['-q'], 320 * MEGABYTE);
}

/** As {@link cannotMount}, for {@link mountBtrfs}, which many kernels do not have. */
export function cannotMountBtrfs(): string | undefined {
  const cannot = cannotMount();
  if (cannot !== undefined) return cannot;
  if (spawnSync('btrfs', ['--version']).error !== undefined) return 'btrfs is missing: apt-get install btrfs-progs';
  const isKnown = (): boolean => readFileSync('/proc/filesystems', 'latin1').includes('\tbtrfs\n');
  if (!isKnown()) spawnSync('modprobe', ['btrfs']);
  return isKnown() ? undefined : 'the kernel has no btrfs';
}

export function mountBtrfs(): ScratchMount {
  return mountImage('mkfs.btrfs', ['-q'], 256 * MEGABYTE);
}

function mountImage(command: string, given: readonly string[], size: number): ScratchMount {
  const directory = scratchDirectory();
  const image = join(directory, 'image');
  const path = mkdtempSync(join(directory, 'at-'));
  writeFileSync(image, '');
  truncateSync(image, size);
  run(command, [...given, image]);
  run('mount', ['-o', 'loop', image, path]);
  return { path, [Symbol.dispose]: () => unmount(path, directory) };
}

/** A mount of a part of another one, or of directories over each other; as mount(8) takes it. */
export function mountOver(...given: readonly string[]): ScratchMount {
  const path = scratchDirectory();
  run('mount', [...given, path]);
  return { path, [Symbol.dispose]: () => unmount(path, path) };
}

function scratchDirectory(): string {
  return mkdtempSync(join(tmpdir(), 'assay-mount-'));
}

function unmount(path: string, directory: string): void {
  // Lazily: a program that still runs from it must not keep the mount.
  run('umount', ['--lazy', path]);
  rmSync(directory, { recursive: true, force: true, maxRetries: 3 });
}

function run(command: string, args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? stderr}`);
}
