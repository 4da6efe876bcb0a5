import type { AuditEntry } from '@assay/wire';
import { auditBytes } from '@assay/wire/audit';
import { toHex } from '@assay/core/bytes';

export type ChainState =
  /** Nothing was written yet. */
  | { readonly state: 'empty' }
  /** `hash` is that of the last entry; who remembers it elsewhere sees when the newest entries are removed. */
  | { readonly state: 'unbroken'; readonly entries: number; readonly hash: string }
  | { readonly state: 'broken'; readonly at: number; readonly why: string }
  /** The browser hashes nothing for a page that came neither by HTTPS nor from this machine. */
  | { readonly state: 'unchecked' };

const BEFORE_THE_FIRST = '00'.repeat(32);

/** Follows the log from its first entry. @param entries the oldest first */
export async function checkChain(entries: readonly AuditEntry[]): Promise<ChainState> {
  if (entries.length === 0) return { state: 'empty' };
  if (!window.isSecureContext) return { state: 'unchecked' };
  let hash = BEFORE_THE_FIRST;
  for (const [index, { hash: recorded, ...content }] of entries.entries()) {
    const { seq } = content;
    if (seq !== index + 1) return { state: 'broken', at: seq, why: `entry ${index + 1} is missing` };
    hash = toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', auditBytes(hash, content))));
    if (hash !== recorded) return { state: 'broken', at: seq, why: 'it was changed, or what stands before it' };
  }
  return { state: 'unbroken', entries: entries.length, hash };
}
