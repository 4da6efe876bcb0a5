import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isMembers, strictJson, type Members } from '@assay/core/bytes';
import { FormatError } from '@assay/core/errors';
import type { ByteSource } from './bytes.ts';
import { decompressed } from './decompress.ts';
import { ArchiveMeter } from './limits.ts';
import { digestOf, MemberFiles } from './members.ts';
import { tarEntries, tarMembers } from './tar.ts';

/** A layer of an image, with the files of it that are still there in the image. */
export interface ImageLayer {
  /** `sha256:<hex>` of the layer as it is stored. */
  readonly digest: string;
  readonly files: readonly { readonly path: string; readonly digest: string }[];
}

export interface Image {
  /** `sha256:<hex>` of the manifest; of an image of `docker save` without one, that of its configuration. */
  readonly digest: string;
  readonly layers: readonly ImageLayer[];
}

/** Where the parts of an image are: a directory, or a tar archive that is read anew for each. */
interface Store {
  /** The content of a small part; undefined where it is missing. */
  json(path: string): Promise<Uint8Array | undefined>;
  blob(path: string): ByteSource;
}

const LARGEST_JSON = 4 * 1024 * 1024;
const MOST_LAYERS = 512;

/**
 * Reads an image: a directory in the OCI layout, or an archive of `docker save` or `skopeo copy`.
 * @param platform `os/architecture`, for an image of several
 * @throws FormatError ARCHIVE-FORM, ARCHIVE-LIMIT
 */
export async function readImage(path: string, platform: string): Promise<Image> {
  const store = (await stat(path)).isDirectory() ? directoryStore(path) : archiveStore(path);
  const index = await store.json('index.json');
  if (index !== undefined) return fromLayout(store, object(index, 'index.json'), platform);
  const saved = await store.json('manifest.json');
  if (saved === undefined) throw wrong('it has neither index.json nor manifest.json');
  return fromSaved(store, saved);
}

async function fromLayout(store: Store, index: Members, platform: string): Promise<Image> {
  let digest = manifestIn(index, platform);
  for (let depth = 0; depth < 4; depth += 1) {
    const manifest = object(await checkedJson(store, digest), digest);
    if (Array.isArray(manifest['layers'])) {
      const layers = manifest['layers'].map((layer: unknown) => digestIn(layer));
      return { digest, layers: await merged(layers.map((each) => ({ digest: each, source: blobOf(store, each) }))) };
    }
    digest = manifestIn(manifest, platform);
  }
  throw wrong('its indexes lead to no manifest');
}

function manifestIn(index: Members, platform: string): string {
  const manifests = index['manifests'];
  if (!Array.isArray(manifests) || manifests.length === 0) throw wrong('an index names no manifest');
  const fitting: readonly unknown[] = manifests.filter((each: unknown) => fits(each, platform));
  const [only] = fitting;
  if (only === undefined) throw wrong(`an index has no manifest for ${platform}`);
  if (fitting.length > 1) throw wrong(`an index has several manifests for ${platform}: copy one image alone`);
  return digestIn(only);
}

/** A manifest that says of no platform is for all of them. */
function fits(manifest: unknown, platform: string): boolean {
  if (!isMembers(manifest)) return false;
  const of = manifest['platform'];
  return !isMembers(of) || `${String(of['os'])}/${String(of['architecture'])}` === platform;
}

function digestIn(descriptor: unknown): string {
  const digest = isMembers(descriptor) ? descriptor['digest'] : undefined;
  if (typeof digest !== 'string' || !/^sha256:[0-9a-f]{64}$/.test(digest)) throw wrong('a part has no SHA-256');
  return digest;
}

const blobPath = (digest: string): string => `blobs/sha256/${digest.slice('sha256:'.length)}`;

async function checkedJson(store: Store, digest: string): Promise<Uint8Array> {
  const bytes = await store.json(blobPath(digest));
  if (bytes === undefined) throw wrong(`${digest} is missing`);
  if (`sha256:${createHash('sha256').update(bytes).digest('hex')}` !== digest)
    throw wrong(`${digest} has another content`);
  return bytes;
}

/** A part whose digest is compared when all of it was read. */
async function* blobOf(store: Store, digest: string): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  for await (const chunk of store.blob(blobPath(digest))) {
    hash.update(chunk);
    yield chunk;
  }
  if (`sha256:${hash.digest('hex')}` !== digest) throw wrong(`${digest} has another content`);
}

async function fromSaved(store: Store, bytes: Uint8Array): Promise<Image> {
  const list = strictJson(bytes, 'ARCHIVE-FORM');
  const images: readonly unknown[] = Array.isArray(list) ? list : [];
  const [image, ...more] = images;
  if (!isMembers(image) || more.length > 0) throw wrong('it does not hold exactly one image');
  const { Layers: names, Config: config } = image;
  if (!Array.isArray(names) || typeof config !== 'string') throw wrong('manifest.json names no layers');
  const configuration = await store.json(config);
  if (configuration === undefined) throw wrong('its configuration is missing');
  const digest = `sha256:${createHash('sha256').update(configuration).digest('hex')}`;
  const layers = [];
  for (const name of names) {
    if (typeof name !== 'string') throw wrong('manifest.json names no layers');
    layers.push({ digest: (await digestOf(store.blob(name))).digest, source: store.blob(name) });
  }
  return { digest, layers: await merged(layers) };
}

const WHITEOUT = '.wh.';
const OPAQUE = '.wh..wh..opq';

/** Lays the layers over each other (OCI image specification, layer.md): the last one that has a path counts. */
async function merged(layers: readonly { digest: string; source: ByteSource }[]): Promise<ImageLayer[]> {
  if (layers.length > MOST_LAYERS) throw new FormatError('ARCHIVE-LIMIT', `it has more than ${MOST_LAYERS} layers`);
  const meter = new ArchiveMeter();
  const present = new Map<string, { digest: string; layer: number }>();
  for (const [layer, { source }] of layers.entries()) {
    const found = new MemberFiles();
    const bytes = decompressed(source, meter);
    for await (const member of tarMembers(bytes, meter)) found.add(member);
    // Padding after the last member is part of the blob, whose digest is compared at its end.
    await digestOf(bytes);
    hide(present, found.paths);
    for (const [path, digest] of found.files)
      if (!nameOf(path).startsWith(WHITEOUT)) present.set(path, { digest, layer });
  }
  const byLayer = Map.groupBy(present, ([, file]) => file.layer);
  return layers.map(({ digest }, layer) => ({
    digest,
    files: (byLayer.get(layer) ?? []).map(([path, file]) => ({ path, digest: file.digest })),
  }));
}

/** What a layer takes away: whiteouts, the content of opaque directories, and what it puts something else at. */
function hide(present: Map<string, unknown>, paths: ReadonlySet<string>): void {
  const [gone, emptied] = [new Set<string>(), new Set<string>()];
  for (const path of paths) {
    const [directory, name] = [path.slice(0, path.lastIndexOf('/')), nameOf(path)];
    if (name === OPAQUE) emptied.add(directory);
    else if (name.startsWith(WHITEOUT)) gone.add(`${directory}/${name.slice(WHITEOUT.length)}`);
  }
  for (const path of present.keys()) {
    const above = ancestors(path);
    if (gone.has(path) || above.some((each) => gone.has(each) || emptied.has(each))) present.delete(path);
    // A link or device in place of a file takes it away too; files are put there by the caller.
    else if (paths.has(path)) present.delete(path);
  }
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function ancestors(path: string): string[] {
  const parts = path.split('/');
  return parts.slice(0, -1).map((_, index) => parts.slice(0, index + 1).join('/'));
}

function directoryStore(root: string): Store {
  return {
    json: async (path) => {
      const file = join(root, inside(path));
      const size = await stat(file).then(
        (stats) => stats.size,
        () => undefined,
      );
      if (size === undefined) return undefined;
      if (size > LARGEST_JSON) throw new FormatError('ARCHIVE-LIMIT', `${path} is longer than ${LARGEST_JSON} bytes`);
      return Uint8Array.from(await readFile(file));
    },
    blob: (path) => createReadStream(join(root, inside(path))),
  };
}

function archiveStore(archive: string): Store {
  return {
    json: async (path) => {
      const parts: Uint8Array[] = [];
      for await (const chunk of partOf(archive, path, LARGEST_JSON)) parts.push(chunk);
      return parts.length === 0 ? undefined : Uint8Array.from(Buffer.concat(parts));
    },
    blob: (path) => partOf(archive, path, Number.MAX_SAFE_INTEGER),
  };
}

async function* partOf(archive: string, wanted: string, most: number): AsyncGenerator<Uint8Array> {
  const meter = new ArchiveMeter();
  for await (const { header, body } of tarEntries(decompressed(createReadStream(archive), meter))) {
    meter.member();
    if (header.name.replace(/^\.\//, '') !== inside(wanted)) {
      await body.cancel();
      continue;
    }
    if (header.size > most) throw new FormatError('ARCHIVE-LIMIT', `${wanted} is longer than ${most} bytes`);
    yield* body;
    return;
  }
}

function inside(path: string): string {
  if (path.startsWith('/') || path.split('/').includes('..')) throw wrong('a part lies outside of the image');
  return path;
}

function object(bytes: Uint8Array, what: string): Members {
  const value = strictJson(bytes, 'ARCHIVE-FORM');
  if (isMembers(value)) return value;
  throw wrong(`${what} is no object`);
}

function wrong(what: string): FormatError {
  return new FormatError('ARCHIVE-FORM', what);
}
