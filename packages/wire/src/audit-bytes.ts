import { ByteWriter, fromHex, utf8 } from '@assay/core/bytes';

/** What an entry of the audit log says; times are RFC 3339, the detail is JSON. */
export interface AuditContent {
  readonly seq: number;
  readonly at: string;
  readonly actor: string;
  readonly action: string;
  readonly subject: string;
  readonly detail: string;
}

const LABEL = 'assay audit v1';

/**
 * What the hash of an entry of the audit log is over: a label, the hash before, and number, time, actor, action, subject and
 * detail, each with its length (u32).
 */
export function auditBytes(before: string, entry: AuditContent): Uint8Array<ArrayBuffer> {
  const { seq, at, actor, action, subject, detail } = entry;
  const writer = new ByteWriter();
  const texts = [String(seq), at, actor, action, subject, detail].map(utf8);
  for (const part of [utf8(LABEL), fromHex(before), ...texts]) writer.u32(part.length).bytes(part);
  return writer.finish();
}
