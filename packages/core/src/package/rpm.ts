import { ByteReader, toHex } from '../bytes/index.ts';
import { FormatError } from '../errors/index.ts';
import type { Hasher, HashName } from '../hash/index.ts';
import type { PackagedFile, PackageName } from './types.ts';

/** A package as its header describes it. Who signed it is not looked at. */
export interface RpmPackage extends PackageName {
  readonly files: readonly PackagedFile[];
}

/** A package as rpm's database has it. Nothing of it is signed or checked: it explains. */
export interface InstalledRpm extends PackageName {
  /** Whole seconds since 1970. */
  readonly installedAt: number | undefined;
  readonly files: readonly (PackagedFile & { readonly isConfiguration: boolean })[];
}

const LEAD_SIZE = 96;
const LEAD_MAGIC = 0xedabeedb;
const HEADER_MAGIC = 0x8eade801;
/** lib/header.c: HEADER_TAGS_MAX, HEADER_DATA_MAX. */
const MOST_TAGS = 0xffff;
const MOST_DATA = 0x0fff_ffff;
const INDEX_SIZE = 16;

const TAG = {
  name: 1000,
  version: 1001,
  release: 1002,
  epoch: 1003,
  installTime: 1008,
  arch: 1022,
  fileModes: 1030,
  fileDigests: 1035,
  fileFlags: 1037,
  dirIndexes: 1116,
  baseNames: 1117,
  dirNames: 1118,
  fileDigestAlgorithm: 5011,
} as const;
/** RPMSIGTAG_SHA256: digest of the header, in hexadecimal. */
const SIGNED_SHA256 = 273;
const TYPE = { int16: 3, int32: 4, string: 6, stringArray: 8, i18nString: 9 } as const;
/** RPMFILE_CONFIG; RPMFILE_GHOST: of no package file. */
const CONFIG = 1;
const GHOST = 64;
const S_IFMT = 0o170000;
const S_IFREG = 0o100000;
/** PGPHASHALGO (RFC 4880, section 9.4). */
const ALGORITHMS: ReadonlyMap<number, HashName> = new Map([
  [1, 'md5'],
  [2, 'sha1'],
  [8, 'sha256'],
  [9, 'sha384'],
  [10, 'sha512'],
  [11, 'sha224'],
]);

/**
 * Reads lead, signature header and header of an RPM package (docs/manual/format.md of rpm). The payload is not needed: the
 * header has the digests of the files, and the signature header that of the header.
 * @param bytes of the package from its beginning, at least up to the payload
 * @throws FormatError PACKAGE-FORM, BYTES-TRUNCATED, BYTES-LIMIT
 */
export function parseRpm(bytes: Uint8Array, hasher: Hasher): RpmPackage {
  const reader = new ByteReader(bytes, 'RPM package');
  if (reader.u32('magic') !== LEAD_MAGIC) throw wrong('it does not begin as an RPM package');
  reader.take(LEAD_SIZE - 4, 'lead');
  const signatures = headerOf(reader);
  reader.take(-reader.offset & 7, 'padding'); // The signature header is padded, the other one is not.
  const start = reader.offset;
  const header = headerOf(reader);
  const recorded = signatures.strings(SIGNED_SHA256)[0];
  const digest = toHex(hasher.digest('sha256', bytes.subarray(start, reader.offset)));
  if (recorded !== digest) throw wrong('its header is not the one whose SHA-256 the package has');
  return packageOf(header);
}

/**
 * Reads a header as the column `blob` of rpm's database has it: without magic (lib/header.c, headerImport).
 * @throws FormatError PACKAGE-FORM, BYTES-TRUNCATED, BYTES-TRAILING, BYTES-LIMIT
 */
export function parseInstalledRpm(blob: Uint8Array): InstalledRpm {
  const reader = new ByteReader(blob, 'RPM header');
  const header = indexedHeader(reader);
  reader.end();
  const { name, version, architecture } = packageOf(header);
  return { name, version, architecture, installedAt: header.numbers(TAG.installTime)[0], files: listedFiles(header) };
}

function packageOf(header: Header): RpmPackage {
  const [name, version, release] = [TAG.name, TAG.version, TAG.release].map((tag) => header.strings(tag)[0]);
  if (name === undefined || version === undefined || release === undefined) throw wrong('it has no name or version');
  const epoch = header.numbers(TAG.epoch)[0];
  return {
    name,
    version: `${epoch === undefined ? '' : `${epoch}:`}${version}-${release}`,
    architecture: header.strings(TAG.arch)[0] ?? 'noarch',
    files: filesOf(header),
  };
}

function filesOf(header: Header): PackagedFile[] {
  return listedFiles(header).map(({ path, digest }) => ({ path, digest }));
}

function listedFiles(header: Header): InstalledRpm['files'] {
  const names = header.strings(TAG.baseNames);
  const [directories, digests] = [header.strings(TAG.dirNames), header.strings(TAG.fileDigests)];
  const [indexes, modes, flags] = [TAG.dirIndexes, TAG.fileModes, TAG.fileFlags].map((tag) => header.numbers(tag));
  const algorithm = ALGORITHMS.get(header.numbers(TAG.fileDigestAlgorithm)[0] ?? 1);
  if (names.length > 0 && algorithm === undefined) throw wrong('its files have digests of an unknown algorithm');
  if ([indexes, modes, digests].some((list) => list?.length !== names.length)) throw wrong('its lists of files differ');
  return names.flatMap((name, at) => {
    const directory = directories[indexes?.[at] ?? -1];
    const [digest, mode] = [digests[at] ?? '', modes?.[at] ?? 0];
    if (directory === undefined) throw wrong('a file has no directory');
    const flag = flags?.[at] ?? 0;
    if ((mode & S_IFMT) !== S_IFREG || (flag & GHOST) !== 0) return [];
    return [{ path: `${directory}${name}`, digest: `${algorithm}:${digest}`, isConfiguration: (flag & CONFIG) !== 0 }];
  });
}

/** One header: an index of tags, and a store of their values. */
class Header {
  readonly #entries: ReadonlyMap<number, { type: number; offset: number; count: number }>;
  readonly #store: Uint8Array;

  constructor(entries: ReadonlyMap<number, { type: number; offset: number; count: number }>, store: Uint8Array) {
    this.#entries = entries;
    this.#store = store;
  }

  strings(tag: number): string[] {
    const entry = this.#entries.get(tag);
    if (entry === undefined) return [];
    const isText = entry.type === TYPE.string || entry.type === TYPE.stringArray || entry.type === TYPE.i18nString;
    if (!isText) throw wrong(`tag ${tag} holds no text`);
    const texts: string[] = [];
    for (let at = entry.offset; texts.length < entry.count; ) {
      const end = this.#store.indexOf(0, at);
      if (end < 0) throw wrong(`tag ${tag} ends in the middle of a text`);
      texts.push(new TextDecoder('utf-8', { ignoreBOM: true }).decode(this.#store.subarray(at, end)));
      at = end + 1;
    }
    return texts;
  }

  numbers(tag: number): number[] {
    const entry = this.#entries.get(tag);
    if (entry === undefined) return [];
    const { type, offset, count } = entry;
    if (type !== TYPE.int16 && type !== TYPE.int32) throw wrong(`tag ${tag} holds no numbers`);
    const size = type === TYPE.int16 ? 2 : 4;
    if (offset + size * count > this.#store.length) throw wrong(`tag ${tag} ends outside of the header`);
    const view = new DataView(this.#store.buffer, this.#store.byteOffset, this.#store.length);
    return Array.from({ length: count }, (_, at) =>
      size === 2 ? view.getUint16(offset + 2 * at) : view.getUint32(offset + 4 * at),
    );
  }
}

function headerOf(reader: ByteReader): Header {
  if (reader.u32('magic') !== HEADER_MAGIC) throw wrong('a header does not begin as one');
  reader.take(4, 'reserved');
  return indexedHeader(reader);
}

function indexedHeader(reader: ByteReader): Header {
  const [tags, size] = [reader.u32('tags'), reader.u32('size')];
  if (tags > MOST_TAGS || size > MOST_DATA)
    throw new FormatError('BYTES-LIMIT', `a header of ${tags} tags, ${size} bytes`);
  const index = new ByteReader(reader.take(tags * INDEX_SIZE, 'index'), 'RPM index');
  const store = reader.take(size, 'store');
  const entries = new Map<number, { type: number; offset: number; count: number }>();
  for (let each = 0; each < tags; each += 1) {
    const [tag, type, offset, count] = [index.u32('tag'), index.u32('type'), index.u32('offset'), index.u32('count')];
    if (offset > size || count > size) throw wrong(`tag ${tag} lies outside of the header`);
    if (entries.has(tag)) throw wrong(`tag ${tag} is there twice`);
    entries.set(tag, { type, offset, count });
  }
  return new Header(entries, store);
}

function wrong(what: string): FormatError {
  return new FormatError('PACKAGE-FORM', what);
}
