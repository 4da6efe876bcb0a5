import { Readable } from 'node:stream';
import { AssayError, FormatError } from '@assay/core/errors';
import { createTarDecoder, type ParsedTarEntry } from 'modern-tar';
import type { ByteSource } from './bytes.ts';
import { memberPath, type ArchiveMeter } from './limits.ts';
import { digestOf, type Member } from './members.ts';

/**
 * The members of a tar archive with the digests of its files.
 * @throws FormatError ARCHIVE-FORM, ARCHIVE-LIMIT
 */
export async function* tarMembers(source: ByteSource, meter: ArchiveMeter): AsyncGenerator<Member> {
  for await (const entry of tarEntries(source)) {
    meter.member();
    yield await memberOf(entry);
  }
}

/** The entries of a tar archive; each body must be read before the next. @throws FormatError ARCHIVE-FORM */
export async function* tarEntries(source: ByteSource): AsyncGenerator<ParsedTarEntry> {
  const decoder = createTarDecoder({ strict: true });
  try {
    yield* Readable.toWeb(Readable.from(source)).pipeThrough(decoder);
  } catch (error) {
    if (error instanceof AssayError || !(error instanceof Error) || 'syscall' in error) throw error;
    throw new FormatError('ARCHIVE-FORM', `it is no tar archive: ${error.message}`);
  }
}

async function memberOf({ header, body }: ParsedTarEntry): Promise<Member> {
  const path = memberPath(header.name);
  const { digest, size } = await digestOf(body);
  const type = header.type ?? 'file';
  if (type === 'link') return { type: 'link', path, target: memberPath(header.linkname ?? '') };
  if (type !== 'file') return { type: 'other', path };
  if (size !== header.size) throw new FormatError('ARCHIVE-FORM', 'it ends in the middle of a file');
  return { type: 'file', path, digest };
}
