import { emptyReference, type Pool, type ReferenceDocument } from '@assay/core/reference';
import { isatty } from 'node:tty';
import type { z } from 'zod';
import { EXIT, UsageError } from '../exit.ts';
import { optionsFrom } from '../options.ts';
import { printJson } from '../output/report.ts';
import { shown } from '../output/terminal.ts';
import { withPools } from '../reference/assemble.ts';
import { readReference, writeReference } from '../reference/files.ts';
import { BuildOptions } from '../reference/options.ts';
import { debPool, imagePools, initramfsPool, listPool, rpmPool, treePool } from '../reference/pools.ts';
import { repositoryPools } from '../reference/repository.ts';

type Options = z.infer<typeof BuildOptions>;

/** `assay reference build --out FILE`: a document of what lists, trees, packages and images hold. */
export async function buildReferenceFile(given: unknown): Promise<number> {
  const options = optionsFrom(BuildOptions, given);
  const base = await baseOf(options);
  const pools = await poolsOf(options);
  if (pools.length === 0) throw new UsageError('name something to take digests from, such as --deb FILE or --tree DIR');
  const document = withPools(base, pools, options.retire);
  const digest = await writeReference(options.out, document);
  const digests = new Set(pools.flatMap((pool) => pool.digests.map((each) => each.digest))).size;
  const { name, version } = document;
  const summary = { file: options.out, name, version, digest, pools: pools.length, digests };
  if (options.output === 'json') printJson({ schema: 'assay.reference-build.v1', ...summary });
  else
    process.stdout.write(
      `${shown(options.out)}: ${name} version ${version}, ${digests} digests in ${pools.length} pools\n`,
    );
  return EXIT.fine;
}

async function baseOf({ base, name, versionNumber, validUntil, note }: Options): Promise<ReferenceDocument> {
  const created = new Date().toISOString();
  const more = { ...(validUntil === undefined ? {} : { validUntil }), ...(note === undefined ? {} : { note }) };
  if (base === undefined) {
    if (name === undefined) throw new UsageError('give --name, or --base with an earlier version');
    return { ...emptyReference(name, versionNumber ?? 1, created), ...more };
  }
  const { document } = (await readReference(base)).reference;
  if (name !== undefined && name !== document.name)
    throw new UsageError(`--base is of ${document.name}, not of ${name}`);
  return { ...document, version: versionNumber ?? document.version + 1, created, ...more };
}

async function poolsOf(options: Options): Promise<Pool[]> {
  const warn = (line: string) => process.stderr.write(`warning: ${shown(line)}\n`);
  const pools: Pool[] = [];
  for (const path of options.list) pools.push(await told(path, () => listPool(path)));
  for (const path of options.tree) pools.push(await told(path, () => treePool(path, warn)));
  for (const path of options.initramfs) pools.push(await told(path, () => initramfsPool(path)));
  for (const path of options.deb) pools.push(await told(path, () => debPool(path, options.cache)));
  for (const path of options.rpm) pools.push(await told(path, () => rpmPool(path)));
  for (const path of options.image) pools.push(...(await told(path, () => imagePools(path, options.platform))));
  for (const path of options.repository) pools.push(...(await told(path, () => repositoryPools(path, options))));
  return pools;
}

/** Says on a terminal what is read. */
async function told<T>(path: string, work: () => Promise<T>): Promise<T> {
  const shows = isatty(2);
  if (shows) process.stderr.write(`reading ${shown(path)}\n`);
  return work();
}
