import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { explanation, type Drift, type PackageFacts, type Reason } from '@assay/core/baseline';
import { FormatError } from '@assay/core/errors';
import { isHashName } from '@assay/core/hash';
import { parseInstalledRpm, type InstalledRpm } from '@assay/core/package';
import { actualDigest, inside, packagedNames } from './packaged-file.ts';

/** Where distributions keep the database; the second since Fedora 36 and openSUSE. */
const DATABASES = ['var/lib/rpm/rpmdb.sqlite', 'usr/lib/sysimage/rpm/rpmdb.sqlite'];

/**
 * What rpm says of paths that differ. Its database has no history: a package that was installed after the baseline may
 * have been there before in another version.
 * @param root of the system that it manages
 * @param since RFC 3339: when the baseline was made
 */
export function rpmReasons(drift: readonly Drift[], root: string, since: string): ReadonlyMap<Drift, Reason> {
  const database = DATABASES.map((path) => join(root, path)).find((path) => existsSync(path));
  if (database === undefined || drift.length === 0) return new Map();
  const wanted = new Map(drift.flatMap((each) => packagedNames(inside(each.path, root)).map((path) => [path, each])));
  const reasons = new Map<Drift, Reason>();
  for (const installed of installedRpms(database)) {
    for (const file of installed.files) {
      // Names in a baseline are one character per byte.
      const each = wanted.get(Buffer.from(file.path).toString('latin1'));
      if (each !== undefined) reasons.set(each, explanation(each, factsOf(installed, file, each, Date.parse(since))));
    }
  }
  return reasons;
}

/** What cannot be read is passed over, and explains nothing. */
function* installedRpms(path: string): Generator<InstalledRpm> {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { readOnly: true });
    for (const { blob } of database.prepare('select blob from Packages').iterate()) {
      const found = blob instanceof Uint8Array ? readable(blob) : undefined;
      if (found !== undefined) yield found;
    }
  } catch (error) {
    if (!isSqliteError(error)) throw error;
  } finally {
    database?.close();
  }
}

function readable(blob: Uint8Array): InstalledRpm | undefined {
  try {
    return parseInstalledRpm(blob);
  } catch (error) {
    if (error instanceof FormatError) return undefined; // Keys of signers stand in the same table, and have no files.
    throw error;
  }
}

function isSqliteError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_SQLITE_ERROR';
}

function factsOf(
  { name, version, architecture, installedAt }: InstalledRpm,
  { digest, isConfiguration }: InstalledRpm['files'][number],
  drift: Drift,
  since: number,
): PackageFacts {
  const [algorithm = '', hex = ''] = digest.split(':');
  const known = hex !== '' && isHashName(algorithm);
  const actual = known && 'after' in drift ? actualDigest(drift.path, algorithm) : undefined;
  const isNew = installedAt !== undefined && installedAt * 1000 > since;
  return {
    package: `${name}.${architecture}`,
    version,
    ...(isNew ? { action: { verb: 'install', to: version, time: timeOf(installedAt) } } : {}),
    isConfiguration,
    ...(known ? { digest } : {}),
    ...(actual === undefined ? {} : { actualDigest: actual }),
  };
}

function timeOf(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');
}
