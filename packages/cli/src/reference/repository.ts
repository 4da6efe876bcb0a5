import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { FormatError, SystemError, VerificationError } from '@assay/core/errors';
import { parsePackagesIndex, parseReleaseDigests, type IndexedPackage } from '@assay/core/package';
import type { Pool } from '@assay/core/reference';
import { boundedContent } from '../bounded-file.ts';
import { Progress } from '../output/progress.ts';
import { debPool } from './pools.ts';

const LARGEST_INDEX = 512 * 1024 * 1024;

export interface RepositoryOptions {
  /** Keys of the archive, for gpgv; without them nobody vouches for the index. */
  readonly keyring?: string | undefined;
  readonly cache?: string | undefined;
}

/**
 * A pool for each package of a repository of Debian in a directory. An index must be the one that its Release file names,
 * and each package the one that the index names.
 * @throws VerificationError POLICY-SIGNATURE; FormatError PACKAGE-FORM, ARCHIVE-FORM; SystemError SYSTEM-CALL
 */
export async function repositoryPools(root: string, { keyring, cache }: RepositoryOptions): Promise<Pool[]> {
  const packages = new Map<string, IndexedPackage>();
  for (const index of indexesOf(root)) {
    for (const each of await readIndex(root, index, keyring)) packages.set(each.filename, each);
  }
  const progress = new Progress('packages', packages.size);
  const pools: Pool[] = [];
  try {
    for (const each of packages.values()) {
      const pool = await debPool(join(root, each.filename), cache);
      if (pool.source !== `sha256:${each.sha256}`) {
        throw new VerificationError('POLICY-SIGNATURE', `${each.filename} is not the package that the index names`);
      }
      pools.push(pool);
      progress.report(pools.length, pools.length);
    }
  } finally {
    progress.end();
  }
  return pools;
}

/** Of a flat repository, or of all suites; the uncompressed form goes before. */
function indexesOf(root: string): string[] {
  const found = globSync(['Packages', 'Packages.gz', 'dists/*/*/*/Packages', 'dists/*/*/*/Packages.gz'], { cwd: root });
  const indexes = found.filter((path) => !path.endsWith('.gz') || !found.includes(path.slice(0, -'.gz'.length)));
  if (indexes.length === 0) throw new FormatError('PACKAGE-FORM', `${root} has no Packages or Packages.gz`);
  return indexes;
}

async function readIndex(root: string, index: string, keyring: string | undefined): Promise<IndexedPackage[]> {
  const content = await boundedContent(join(root, index), LARGEST_INDEX);
  const home = index.startsWith('dists/') ? join(root, index.split('/').slice(0, 2).join('/')) : root;
  const release = await releaseIn(home, keyring);
  if (release !== undefined) {
    const named = parseReleaseDigests(release).get(relative(home, join(root, index)));
    const digest = createHash('sha256').update(content).digest('hex');
    if (named !== digest)
      throw new VerificationError('POLICY-SIGNATURE', `${index} is not the one of the Release file`);
  }
  const text = index.endsWith('.gz') ? gunzipSync(content, { maxOutputLength: LARGEST_INDEX }) : content;
  return parsePackagesIndex(text.toString('utf8'));
}

/** The text that somebody signed, where keys are given. */
async function releaseIn(home: string, keyring: string | undefined): Promise<string | undefined> {
  const inRelease = join(home, 'InRelease');
  if (keyring !== undefined) return signedText(inRelease, keyring);
  const plain = join(home, 'Release');
  if (existsSync(plain)) return (await boundedContent(plain, LARGEST_INDEX)).toString('utf8');
  return existsSync(inRelease) ? (await boundedContent(inRelease, LARGEST_INDEX)).toString('utf8') : undefined;
}

function signedText(path: string, keyring: string): string {
  // gpgv looks for a name without a slash in a directory of its own.
  const ended = spawnSync('gpgv', ['--keyring', resolve(keyring), '--output', '-', path], {
    encoding: 'utf8',
    maxBuffer: LARGEST_INDEX,
  });
  if (ended.error !== undefined) {
    throw new SystemError('SYSTEM-CALL', `gpgv cannot be run: ${ended.error.message}; install the package gpgv`);
  }
  if (ended.status === 0) return ended.stdout;
  const reason = ended.stderr.trim().split('\n').at(-1) ?? '';
  throw new VerificationError('POLICY-SIGNATURE', `${path} is not signed by a key of ${keyring}: ${reason}`);
}
