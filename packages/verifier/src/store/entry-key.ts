import { concat, utf8 } from '@assay/core/bytes';
import type { Hasher } from '@assay/core/hash';
import { templateDigest, type MeasurementEntry } from '@assay/core/measurement';

const VIOLATION = utf8('!');

/**
 * What tells one entry from another, whatever host it is of: the SHA-256 template digest, and the template's name, which the
 * digest does not cover. Violations, whose recorded digest is zeros, are told apart by their data.
 */
export function entryKey(
  hasher: Hasher,
  entry: Pick<MeasurementEntry, 'template' | 'templateData' | 'templateDigest' | 'violation'>,
): Uint8Array {
  const name = utf8(entry.template);
  if (!entry.violation) return concat([entry.templateDigest, name]);
  return concat([templateDigest(hasher, 'sha256', entry), name, VIOLATION]);
}
