import { concat, toHex, utf8 } from '../bytes/index.ts';
import type { EntryContent } from './entry.ts';
import { FIELDS, decodeFields } from './fields.ts';
import { fieldsOf } from './templates.ts';

const SPACE = utf8(' ');

/**
 * One line of an ascii list, with its newline (ima_fs.c, ima_ascii_measurements_show). Names are written raw, as the
 * kernel does: a name with a newline breaks the line.
 */
export function encodeAsciiEntry(entry: EntryContent): Uint8Array {
  const ids = fieldsOf(entry.template);
  const fields = decodeFields(ids, entry.templateData);
  const head = `${String(entry.pcr).padStart(2)} ${toHex(entry.templateDigest)} ${entry.template}`;
  return concat([utf8(head), ...ids.flatMap((id) => [SPACE, FIELDS[id].ascii(fields)]), utf8('\n')]);
}
