import { createHash } from 'node:crypto';
import { FormatError } from '@assay/core/errors';

/** Something in an archive, with its absolute path. */
export type Member =
  | { readonly type: 'file'; readonly path: string; readonly digest: string }
  | { readonly type: 'link'; readonly path: string; readonly target: string }
  | { readonly type: 'other'; readonly path: string };

/** SHA-256 of bytes as they come, as measurement lists have it. */
export async function digestOf(chunks: AsyncIterable<Uint8Array>): Promise<{ digest: string; size: number }> {
  const hash = createHash('sha256');
  let size = 0;
  for await (const chunk of chunks) {
    hash.update(chunk);
    size += chunk.length;
  }
  return { digest: `sha256:${hash.digest('hex')}`, size };
}

/** The files of an archive by their paths; hard links have the digest of what they lead to. */
export class MemberFiles {
  readonly files = new Map<string, string>();
  /** Paths of everything, files or not. */
  readonly paths = new Set<string>();

  /** @throws FormatError ARCHIVE-FORM for a path that is there twice, and a link to what did not come before it */
  add(member: Member): void {
    // Directories may be named again by tools; another file of the same name would hide what was looked at.
    if (member.type !== 'other' && this.paths.has(member.path)) throw wrong(`it holds ${shown(member.path)} twice`);
    this.paths.add(member.path);
    if (member.type === 'file') this.files.set(member.path, member.digest);
    if (member.type !== 'link') return;
    const digest = this.files.get(member.target);
    if (digest === undefined) throw wrong(`the link ${shown(member.path)} leads to no file before it`);
    this.files.set(member.path, digest);
  }
}

const shown = (path: string): string => JSON.stringify(path.slice(0, 200));

function wrong(what: string): FormatError {
  return new FormatError('ARCHIVE-FORM', what);
}
