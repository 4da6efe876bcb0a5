import { concat, fromHex, utf8 } from '@assay/core/bytes';
import type { Hasher } from '@assay/core/hash';
import { templateDigest, type MeasurementEntry } from '@assay/core/measurement';

const VIOLATION = utf8('!');
/** Bytes of the file digest in front: entries of one digest lie next to each other, so this index finds them too. */
const DIGEST_BYTES = 8;
const TEMPLATE_DIGEST_BYTES = 32;
const EMPTY = new Uint8Array(0);
/** Over what follows those bytes in any key: no SHA-256 digest is known that is all ones. */
const LAST = new Uint8Array(32).fill(0xff);

type Keyed = Pick<MeasurementEntry, 'template' | 'templateData' | 'templateDigest' | 'violation' | 'fields'>;

/**
 * What tells one entry from another, whatever host it is of: the beginning of the file digest, the SHA-256 template digest,
 * and the template's name, which the digest does not cover. Violations, whose recorded digest is zeros, are told apart by
 * their data. The keys are views of one piece of memory, which costs less than one for each.
 */
export function entryKeys(hasher: Hasher, entries: readonly Keyed[]): Uint8Array[] {
  const nameOf = templateNames();
  const all = new Uint8Array(entries.reduce((sum, entry) => sum + keySize(entry), 0));
  let start = 0;
  return entries.map((entry) => {
    const key = all.subarray(start, (start += keySize(entry)));
    key.set(entry.fields.digest?.value.subarray(0, DIGEST_BYTES) ?? EMPTY);
    key.set(entry.violation ? templateDigest(hasher, 'sha256', entry) : entry.templateDigest, DIGEST_BYTES);
    key.set(nameOf(entry.template), DIGEST_BYTES + TEMPLATE_DIGEST_BYTES);
    if (entry.violation) key.set(VIOLATION, key.length - VIOLATION.length);
    return key;
  });
}

/** Lists have few templates and many entries. */
function templateNames(): (template: string) => Uint8Array {
  const names = new Map<string, Uint8Array>();
  return (template) => {
    const known = names.get(template);
    if (known !== undefined) return known;
    const name = utf8(template);
    names.set(template, name);
    return name;
  };
}

function keySize({ template, violation }: Keyed): number {
  return DIGEST_BYTES + TEMPLATE_DIGEST_BYTES + template.length + (violation ? VIOLATION.length : 0);
}

/**
 * The first and the last key that an entry with this file digest can have; others have such keys too.
 * @param digest `alg:hex`
 * @returns undefined for what is no digest
 */
export function keysOfDigest(digest: string): { readonly first: Uint8Array; readonly last: Uint8Array } | undefined {
  const hex = /^[a-z0-9-]+:((?:[0-9a-f]{2})+)$/.exec(digest)?.[1];
  if (hex === undefined) return undefined;
  const first = new Uint8Array(DIGEST_BYTES);
  first.set(fromHex(hex).subarray(0, DIGEST_BYTES));
  return { first, last: concat([first, LAST]) };
}
