import { existsSync, globSync } from 'node:fs';
import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { SystemError } from '@assay/core/errors';
import { openArchive, type DebianArchive } from './archive.ts';
import { cached } from './cache.ts';
import { dependencies } from './control.ts';
import { insertionOrder, moduleName } from './modules.ts';
import { runTool } from './tools.ts';

/** The kernels of the lab, and the Debian suite that has each. */
const SUITES = { '6.1': 'bookworm', '6.12': 'trixie', '7.2': 'forky' } as const;

export type KernelSeries = keyof typeof SUITES;

export function isKernelSeries(name: string): name is KernelSeries {
  return Object.hasOwn(SUITES, name);
}

export const KERNEL_SERIES: readonly KernelSeries[] = Object.keys(SUITES).filter(isKernelSeries);

/** The small kernel for virtual machines: the same options for IMA and EVM, a tenth of the modules. */
const META_PACKAGE = 'linux-image-cloud-amd64';
const PART = /^linux-(image|binary|modules|base)-[0-9].*-cloud-amd64$/;

/** What the initial RAM file system has to insert before it can mount a disk. */
const EARLY_MODULES = ['virtio_pci', 'virtio_blk', 'ext4', 'crc32c_generic'];

/** A kernel of Debian's, unpacked for the lab. */
export interface LabKernel {
  readonly series: KernelSeries;
  /** The version of its package, such as `6.12.117-1`. */
  readonly version: string;
  /** As `uname -r` prints it. */
  readonly release: string;
  /** Path of the compressed image. */
  readonly image: string;
  /** Path of the configuration that it was built with. */
  readonly config: string;
  /** Path of an ext4 image with its modules. */
  readonly modules: string;
  /** Paths of unpacked modules, in the order in which to insert them. */
  readonly early: readonly string[];
}

export interface FetchOptions {
  /** Directory that keeps kernels and root file systems. */
  readonly cache: string;
  readonly signal?: AbortSignal | undefined;
  /** Told of steps that take long. */
  readonly onStep?: ((sentence: string) => void) | undefined;
}

/**
 * The newest kernel of a series in the cache; without one, the newest that Debian has.
 * @throws SystemError LAB-PACKAGES where it cannot be fetched
 */
export async function labKernel(series: KernelSeries, options: FetchOptions): Promise<LabKernel> {
  const kept = existsSync(home(series, options)) ? await readdir(home(series, options)) : [];
  const versions = kept.filter((name) => !name.startsWith('.'));
  const newest = versions.toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true })).at(-1);
  return newest === undefined ? updateKernel(series, options) : openKernel(series, newest, options);
}

/**
 * Looks for a newer kernel of a series and fetches it.
 * @throws SystemError LAB-PACKAGES where the mirror cannot be reached, or its suite has gone on to another series
 */
export async function updateKernel(series: KernelSeries, options: FetchOptions): Promise<LabKernel> {
  const suite = SUITES[series];
  options.onStep?.(`asking Debian ${suite} for its newest ${series} kernel`);
  await using archive = await openArchive(suite, options.signal);
  const found = await archive.show(META_PACKAGE);
  const version = found?.get('Version') ?? '';
  if (found === undefined || !version.startsWith(`${series}.`)) {
    const has = version === '' ? `has no ${META_PACKAGE}` : `has ${version}`;
    throw new SystemError('LAB-PACKAGES', `Debian ${suite} has no kernel ${series} any more: it ${has}`);
  }
  await cached(join(home(series, options), version), async (draft) => {
    options.onStep?.(`fetching and unpacking Linux ${version}`);
    await unpack(await parts(archive, dependencies(found)), { archive, draft, signal: options.signal });
  });
  return await openKernel(series, version, options);
}

function home(series: KernelSeries, { cache }: FetchOptions): string {
  return join(cache, 'kernels', series);
}

async function openKernel(series: KernelSeries, version: string, options: FetchOptions): Promise<LabKernel> {
  const at = (name: string): string => join(home(series, options), version, name);
  const early = await readdir(at('early'));
  return {
    series,
    version,
    release: (await readFile(at('release'), 'utf8')).trim(),
    image: at('vmlinuz'),
    config: at('config'),
    modules: at('modules.img'),
    early: early.toSorted().map((name) => at(`early/${name}`)),
  };
}

/** Since 7.2 the package of a kernel only names others, which hold its image, its modules and its configuration. */
async function parts(archive: DebianArchive, names: readonly string[]): Promise<string[]> {
  const all = new Set<string>();
  const queue = names.filter((name) => PART.test(name));
  for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
    if (all.has(name)) continue;
    all.add(name);
    const stanza = await archive.show(name);
    queue.push(...(stanza === undefined ? [] : dependencies(stanza).filter((each) => PART.test(each))));
  }
  return [...all];
}

interface Unpacking {
  readonly archive: DebianArchive;
  readonly draft: string;
  readonly signal: AbortSignal | undefined;
}

async function unpack(packages: readonly string[], { archive, draft, signal }: Unpacking): Promise<void> {
  const tool = async (program: string, ...args: string[]): Promise<string> =>
    runTool(program, args, { code: 'LAB-PACKAGES', signal });
  const tree = join(draft, 'tree');
  const downloads = join(draft, 'packages');
  await mkdir(downloads);
  await archive.download(packages, downloads);
  for (const name of await readdir(downloads)) await tool('dpkg-deb', '-x', join(downloads, name), tree);
  const directory = only(join(tree, '{lib,usr/lib}/modules/*'));
  const release = basename(directory);
  await copyFile(only(`{${tree}/boot/vmlinuz-*,${directory}/vmlinuz}`), join(draft, 'vmlinuz'));
  await copyFile(only(`{${tree}/boot/config-*,${directory}/config}`), join(draft, 'config'));
  await writeFile(join(draft, 'release'), `${release}\n`);
  await tool('depmod', '-b', directory.endsWith(`usr/lib/modules/${release}`) ? join(tree, 'usr') : tree, release);
  await keepEarly(directory, join(draft, 'early'), tool);
  const image = join(draft, 'modules.img');
  await tool('mke2fs', '-q', '-t', 'ext4', '-d', join(directory, '..'), '-E', 'root_owner=0:0', image, '512M');
  await tool('rm', '-r', tree, downloads);
}

function only(pattern: string): string {
  const found = globSync(pattern);
  const [path] = found;
  if (path === undefined || found.length > 1) {
    throw new SystemError('LAB-PACKAGES', `the packages of the kernel hold ${found.length} of ${basename(pattern)}`);
  }
  return path;
}

type Tool = (program: string, ...args: string[]) => Promise<string>;

/** Unpacked here, because the shell of the initial RAM file system cannot. */
async function keepEarly(directory: string, target: string, tool: Tool): Promise<void> {
  await mkdir(target);
  const dep = await readFile(join(directory, 'modules.dep'), 'utf8');
  for (const [index, path] of insertionOrder(dep, EARLY_MODULES).entries()) {
    const name = `${String(index).padStart(2, '0')}-${moduleName(path)}.ko`;
    const suffix = path.endsWith('.xz') ? '.xz' : '';
    await copyFile(join(directory, path), join(target, name + suffix));
    if (suffix !== '') await tool('xz', '-d', join(target, name + suffix));
  }
}
