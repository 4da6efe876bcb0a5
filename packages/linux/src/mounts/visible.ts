import type { Mount } from './parse.ts';

/**
 * Which mounts their paths lead to: a mount is hidden when another one stands over it, over a directory above it, or so
 * over one of the mounts that it hangs on.
 */
export function visibleMounts(mounts: readonly Mount[]): Mount[] {
  const byId = new Map(mounts.map((mount) => [mount.id, mount]));
  const childPaths = new Map<number, Set<string>>();
  for (const { id, parentId, mountPoint } of mounts) {
    if (parentId === id) continue;
    const paths = childPaths.get(parentId) ?? new Set();
    childPaths.set(parentId, paths.add(key(mountPoint)));
  }
  const isCovered = (mount: Mount): boolean => childPaths.get(mount.id)?.has(key(mount.mountPoint)) ?? false;
  const isUnderSibling = ({ parentId, mountPoint }: Mount): boolean => {
    const siblings = childPaths.get(parentId);
    return directoriesAbove(key(mountPoint)).some((path) => siblings?.has(path));
  };
  return mounts.filter((mount) => !isCovered(mount) && ![mount, ...ancestors(mount, byId)].some(isUnderSibling));
}

/** One character per byte. */
function key(path: Buffer): string {
  return path.toString('latin1');
}

function directoriesAbove(path: string): string[] {
  const slashes = Array.from(path.matchAll(/\//g), ({ index }) => index);
  return path === '/' ? [] : slashes.map((index) => (index === 0 ? '/' : path.slice(0, index)));
}

/** The mounts it hangs on. The topmost one may name itself as its parent, or one that this process cannot see. */
function ancestors(mount: Mount, byId: ReadonlyMap<number, Mount>): Mount[] {
  const chain = new Set<Mount>();
  let at = byId.get(mount.parentId);
  while (at !== undefined && at !== mount && !chain.has(at)) {
    chain.add(at);
    at = byId.get(at.parentId);
  }
  return [...chain];
}
