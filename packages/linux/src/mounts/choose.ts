import type { Mount } from './parse.ts';
import { visibleMounts } from './visible.ts';

/** File systems that hold no programs: the kernel's own views, which cannot be watched or whose files have no content. */
const PSEUDO = new Set(
  `autofs binder binfmt_misc bpf cgroup cgroup2 configfs cpuset debugfs devpts efivarfs fusectl hugetlbfs mqueue nfsd
  nsfs pipefs proc pstore resctrl rpc_pipefs securityfs selinuxfs smackfs sockfs sysfs tracefs`.split(/\s+/),
);

/** Whether file systems of a type are views of the kernel without files of their own. */
export function hasNoFiles(type: string): boolean {
  return PSEUDO.has(type);
}

/** A stalled server would stall the one thread that reads and hashes. */
const SERVED = new Set('9p afs ceph cifs coda fuse fuseblk nfs nfs4 smb3 virtiofs'.split(' '));

export interface ChosenMounts {
  /** Mount points, one per file system, on which programs can run. */
  readonly chosen: readonly string[];
  readonly leftOut: readonly { readonly mount: Mount; readonly reason: string }[];
}

/**
 * Which file systems to watch for executions. A file system counts when one visible mount of it allows execution; a
 * second mount of a chosen file system is not listed at all, as the watch covers it.
 */
export function chooseMounts(mounts: readonly Mount[]): ChosenMounts {
  const chosen = new Map<string, string>();
  const visible = new Set(visibleMounts(mounts));
  const candidates = mounts.map((mount) => ({ mount, reason: reasonAgainst(mount, visible) }));
  for (const { mount, reason } of candidates) {
    if (reason === undefined && !chosen.has(mount.device)) chosen.set(mount.device, mount.mountPoint.toString('utf8'));
  }
  const leftOut = candidates.flatMap(({ mount, reason }) =>
    reason === undefined || chosen.has(mount.device) ? [] : [{ mount, reason }],
  );
  return { chosen: [...chosen.values()], leftOut };
}

function reasonAgainst(mount: Mount, visible: ReadonlySet<Mount>): string | undefined {
  if (hasNoFiles(mount.type)) return 'holds no programs';
  if (SERVED.has(mount.type) || mount.type.startsWith('fuse.')) return 'a server that stalls would stall the engine';
  if (mount.options.includes('noexec')) return 'mounted noexec';
  if (!visible.has(mount)) return 'hidden under another mount';
  if (!isUtf8(mount.mountPoint)) return 'its path is not UTF-8';
  return undefined;
}

function isUtf8(bytes: Buffer): boolean {
  return Buffer.from(bytes.toString('utf8')).equals(bytes);
}

/** The visible mount whose mount point the path is; the path must be absolute and without symbolic links. */
export function mountAt(mounts: readonly Mount[], path: string): Mount | undefined {
  return visibleMounts(mounts).find((mount) => mount.mountPoint.equals(Buffer.from(path)));
}
