import { CPIO_HEADER_SIZE, parseCpioHeader, type CpioHeader } from '@assay/core/package';
import { FormatError } from '@assay/core/errors';
import { SourceReader, type ByteSource } from './bytes.ts';
import { decompressed } from './decompress.ts';
import { memberPath, type ArchiveMeter } from './limits.ts';
import { digestOf, type Member } from './members.ts';

const TRAILER = 'TRAILER!!!';
const S_IFMT = 0o170000;
const S_IFREG = 0o100000;
const MAGIC = '07070';
/** Most archives of one initramfs: microcode, modules, the main one and what tools add. */
const MOST_ARCHIVES = 64;

/**
 * The files of an initramfs: archives in the form newc one after the other, each compressed or not
 * (init/initramfs.c). Of one path that several hold, the last counts, as for the kernel.
 * @throws FormatError ARCHIVE-FORM, ARCHIVE-LIMIT
 */
export async function initramfsFiles(source: ByteSource, meter: ArchiveMeter): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  let reader = new SourceReader(source);
  for (let archives = 0; archives < MOST_ARCHIVES; archives += 1) {
    const head = await skipZeros(reader);
    if (head.length === 0) return files;
    // After a compressed archive nothing can follow: its end is not known before it is unpacked.
    if (!isCpio(head)) reader = new SourceReader(decompressed(reader.remaining(), meter));
    else meter.packed(head.length);
    for await (const member of cpioMembers(reader, meter)) {
      if (member.type === 'file') files.set(member.path, member.digest);
      else files.delete(member.path);
    }
  }
  throw new FormatError('ARCHIVE-LIMIT', `it holds more than ${MOST_ARCHIVES} archives`);
}

function isCpio(head: Uint8Array): boolean {
  return Buffer.from(head).toString('latin1').startsWith(MAGIC);
}

/** The first bytes that are no padding; none at the end. */
async function skipZeros(reader: SourceReader): Promise<Uint8Array> {
  for (let head = await reader.peek(6); head.length > 0; head = await reader.peek(6)) {
    if (head[0] !== 0) return head;
    await reader.take(1);
  }
  return new Uint8Array(0);
}

/** One archive, up to its trailer. Members that are one inode have their content at the last of them. */
async function* cpioMembers(reader: SourceReader, meter: ArchiveMeter): AsyncGenerator<Member> {
  const waiting = new Map<string, string[]>();
  for (;;) {
    const header = parseCpioHeader(await reader.exactly(CPIO_HEADER_SIZE, 'a header'));
    const name = (await reader.exactly(header.nameSize, 'a name')).subarray(0, -1);
    await aligned(reader);
    const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(name);
    if (text === TRAILER) return;
    meter.member();
    const path = memberPath(text);
    const { digest, size } = await digestOf(reader.pieces(header.size));
    if (size !== header.size) throw new FormatError('ARCHIVE-FORM', 'it ends in the middle of a file');
    await aligned(reader);
    yield* membersOf(path, header, digest, waiting);
  }
}

function* membersOf(
  path: string,
  header: CpioHeader,
  digest: string,
  waiting: Map<string, string[]>,
): Generator<Member> {
  if ((header.mode & S_IFMT) !== S_IFREG) {
    yield { type: 'other', path };
    return;
  }
  const others = waiting.get(header.inode) ?? [];
  if (header.links > 1 && header.size === 0) {
    waiting.set(header.inode, [...others, path]);
    return;
  }
  waiting.delete(header.inode);
  for (const each of [...others, path]) yield { type: 'file', path: each, digest };
}

/** Names and contents end at multiples of four bytes of the archive. */
async function aligned(reader: SourceReader): Promise<void> {
  await reader.take(-reader.offset & 3);
}
