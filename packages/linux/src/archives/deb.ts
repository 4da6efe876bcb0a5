import { open, type FileHandle } from 'node:fs/promises';
import { FormatError } from '@assay/core/errors';
import { parseControl, type PackagedFile, type PackageName } from '@assay/core/package';
import { SourceReader, type ByteSource } from './bytes.ts';
import { decompressed } from './decompress.ts';
import { ArchiveMeter } from './limits.ts';
import { digestOf, MemberFiles } from './members.ts';
import { tarEntries, tarMembers } from './tar.ts';

/** A package file, unpacked. */
export interface DebPackage extends PackageName {
  readonly files: readonly PackagedFile[];
  /** `sha256:<hex>` of the package file, which an index of a repository can vouch for. */
  readonly digest: string;
}

const AR_MAGIC = '!<arch>\n';
const HEADER = 60;
const MOST_CONTROL = 16 * 1024 * 1024;

/** @throws FormatError ARCHIVE-FORM, ARCHIVE-LIMIT, PACKAGE-FORM */
export async function readDeb(path: string): Promise<DebPackage> {
  const file = await open(path);
  try {
    const { digest } = await digestOf(pieces(file, 0, Number.MAX_SAFE_INTEGER));
    const members = await arMembers(file);
    const control = find(members, 'control.tar');
    const data = find(members, 'data.tar');
    const name = parseControl(await controlText(pieces(file, control.start, control.size)));
    const files = await filesOf(pieces(file, data.start, data.size));
    return { ...name, files, digest };
  } finally {
    await file.close();
  }
}

interface ArMember {
  readonly name: string;
  readonly start: number;
  readonly size: number;
}

/** ar(5), as deb(5) restricts it. */
async function arMembers(file: FileHandle): Promise<ArMember[]> {
  const { size: end } = await file.stat();
  const head = await at(file, 0, AR_MAGIC.length);
  if (head.toString('latin1') !== AR_MAGIC) throw wrong('it is no Debian package');
  const members: ArMember[] = [];
  for (let offset = AR_MAGIC.length; offset < end; ) {
    const header = (await at(file, offset, HEADER)).toString('latin1');
    const size = /^(\d{1,10}) *$/.exec(header.slice(48, 58))?.[1];
    if (size === undefined || header.slice(58) !== '`\n') throw wrong('a member of the package has no header');
    const name = header.slice(0, 16).trimEnd().replace(/\/$/, '');
    const start = offset + HEADER;
    if (start + Number(size) > end || members.length >= 16) throw wrong('a member reaches beyond the package');
    if (members.some((member) => member.name === name)) throw wrong('a member is there twice');
    members.push({ name, start, size: Number(size) });
    offset = start + Number(size) + (Number(size) & 1);
  }
  return members;
}

function find(members: readonly ArMember[], name: string): ArMember {
  const found = members.filter((member) => member.name === name || member.name.startsWith(`${name}.`));
  const [only] = found;
  if (only === undefined || found.length > 1) throw wrong(`the package has not exactly one ${name}`);
  return only;
}

async function controlText(source: ByteSource): Promise<string> {
  for await (const { header, body } of tarEntries(decompressed(source, new ArchiveMeter()))) {
    const reader = new SourceReader(body);
    if (header.name.replace(/^\.\//, '') === 'control' && header.size <= MOST_CONTROL) {
      return Buffer.from(await reader.exactly(header.size, 'control')).toString('utf8');
    }
    await digestOf(reader.remaining());
  }
  throw wrong('the package has no control file');
}

async function filesOf(source: ByteSource): Promise<PackagedFile[]> {
  const meter = new ArchiveMeter();
  const found = new MemberFiles();
  for await (const member of tarMembers(decompressed(source, meter), meter)) found.add(member);
  return Array.from(found.files, ([path, digest]) => ({ path, digest }));
}

async function at(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await file.read(buffer, 0, length, position);
  if (bytesRead < length) throw wrong('the package ends too early');
  return buffer;
}

const CHUNK = 256 * 1024;

async function* pieces(file: FileHandle, start: number, length: number): AsyncGenerator<Uint8Array> {
  for (let done = 0; done < length; ) {
    const buffer = Buffer.allocUnsafe(Math.min(CHUNK, length - done));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, start + done);
    if (bytesRead === 0) return;
    done += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

function wrong(what: string): FormatError {
  return new FormatError('ARCHIVE-FORM', what);
}
