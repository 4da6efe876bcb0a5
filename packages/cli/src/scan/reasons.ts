import type { Drift, Reason } from '@assay/core/baseline';
import { dpkgReasons } from './dpkg-packages.ts';
import { rpmReasons } from './rpm-packages.ts';

/** What the databases of packages below a root say of paths that differ from a baseline of that time (RFC 3339). */
export async function packageReasons(
  drift: readonly Drift[],
  root: string,
  since: string,
): Promise<ReadonlyMap<Drift, Reason>> {
  return new Map([...rpmReasons(drift, root, since), ...(await dpkgReasons(drift, root, since))]);
}
