import { createReadStream } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createHash } from 'node:crypto';
import { makePrivateDirectory } from '@assay/linux/files';
import { printable, utf8 } from '@assay/core/bytes';
import { captureReference, pooled, type Pool, type ReferenceItem } from '@assay/core/reference';
import { readDeb, readImage, readInitramfs, readRpm, type DebPackage } from '@assay/linux/archives';
import { z } from 'zod';
import { listEntries, withList } from '../list-file.ts';
import { programsUnder } from '../trees.ts';

/** Directories that are links into /usr where a distribution has merged them; packages may still name them. */
const MERGED = /^\/(?:bin|sbin|lib|lib32|lib64|libx32)\//;

/** As lists have names: escaped, and `_` for a blank (ima_template_lib.c, ima_write_template_field_data). */
function listName(path: string): string {
  return printable(utf8(path.replaceAll(' ', '_')));
}

/** Digests of files of a package, with the path at which each may be measured. */
function packageItems(files: readonly ReferenceItem[]): ReferenceItem[] {
  return files.flatMap(({ path, digest }) => {
    const name = listName(path);
    return MERGED.test(path)
      ? [
          { path: name, digest },
          { path: `/usr${name}`, digest },
        ]
      : [{ path: name, digest }];
  });
}

interface PackageFiles {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  readonly digest: string;
  readonly files: readonly ReferenceItem[];
}

function packagePool({ name, version, architecture, digest, files }: PackageFiles): Pool {
  const digests = pooled(packageItems(files));
  return {
    id: `${name}_${version}_${architecture}`,
    kind: 'package',
    name,
    version,
    architecture,
    source: digest,
    digests,
  };
}

export async function debPool(path: string, cache: string | undefined): Promise<Pool> {
  if (cache === undefined) return packagePool(await readDeb(path));
  return packagePool(await cachedDeb(path, cache));
}

export async function rpmPool(path: string): Promise<Pool> {
  return packagePool(await readRpm(path));
}

/** One pool for each layer that has something of the image left. */
export async function imagePools(path: string, platform: string): Promise<Pool[]> {
  const { digest, layers } = await readImage(path, platform);
  const name = listName(basename(path));
  return layers.flatMap((layer, index) => {
    if (layer.files.length === 0) return [];
    const id = `image:${name}:${String(index + 1).padStart(3, '0')}:${layer.digest.slice('sha256:'.length, 19)}`;
    const digests = pooled(layer.files.map((file) => ({ ...file, path: listName(file.path) })));
    return [{ id, kind: 'image' as const, name, version: digest, source: layer.digest, digests }];
  });
}

export async function initramfsPool(path: string): Promise<Pool> {
  const name = `initramfs:${listName(basename(path))}`;
  const files = Array.from(await readInitramfs(path), ([at, digest]) => ({ path: listName(at), digest }));
  return { id: `tree:${name}`, kind: 'tree', name, digests: pooled(files) };
}

export async function treePool(directory: string, warn: (line: string) => void): Promise<Pool> {
  const { programs, unreadable } = await programsUnder([directory], () => undefined);
  for (const { path, reason } of unreadable) warn(`${path} is left out: ${reason}`);
  const name = listName(directory);
  return { id: `tree:${name}`, kind: 'tree', name, digests: pooled(programs) };
}

export async function listPool(path: string): Promise<Pool> {
  const items = await withList(path, {}, async (list) => {
    const found: ReferenceItem[] = [];
    for await (const entries of listEntries(list)) found.push(...captureReference(entries));
    return found;
  });
  const name = listName(basename(path));
  return { id: `host:${name}`, kind: 'host', name, digests: pooled(items) };
}

const Cached = z.object({
  schema: z.literal('assay.package-digests.v1'),
  name: z.string(),
  version: z.string(),
  architecture: z.string(),
  digest: z.string(),
  files: z.array(z.object({ path: z.string(), digest: z.string() })),
});

/** What was unpacked once, by the SHA-256 of the package file; a file of the cache that is none is made anew. */
async function cachedDeb(path: string, cache: string): Promise<DebPackage> {
  const hex = (await fileDigest(path)).toString('hex');
  const file = join(cache, `${hex}.json`);
  const text = await readFile(file, 'utf8').catch(() => '');
  const known = parsed(text);
  if (known?.digest === `sha256:${hex}`) return known;
  const read = await readDeb(path);
  makePrivateDirectory(cache);
  const beside = `${file}.${process.pid}`;
  await writeFile(beside, JSON.stringify({ schema: 'assay.package-digests.v1', ...read }), { mode: 0o600 });
  await rename(beside, file);
  return read;
}

async function fileDigest(path: string): Promise<Buffer> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest();
}

function parsed(text: string): DebPackage | undefined {
  try {
    const { success, data } = Cached.safeParse(JSON.parse(text));
    return success ? data : undefined;
  } catch {
    return undefined;
  }
}
