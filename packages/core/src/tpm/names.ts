import { ByteWriter, concat } from '../bytes/index.ts';
import type { Hasher, HashName } from '../hash/index.ts';
import { tpmHashId } from './structures/algorithms.ts';
import type { ParsedPublic } from './structures/public.ts';

/** Name of an object: algorithm id and H(TPMT_PUBLIC) (TPM 2.0 Part 1, clause 16). */
export function publicName(hasher: Hasher, area: ParsedPublic): Uint8Array {
  return named(area.nameAlg, hasher.digest(area.nameAlg, area.raw));
}

/** Qualified name of a primary key, whose parent is a hierarchy (TPM 2.0 Part 1, clause 26.5). */
export function qualifiedNameOfPrimary(
  hasher: Hasher,
  nameAlg: HashName,
  hierarchy: number,
  name: Uint8Array,
): Uint8Array {
  return qualifiedName(hasher, nameAlg, new ByteWriter().u32(hierarchy).finish(), name);
}

/** Qualified name of a key under a parent: algorithm id and H(qualified name of the parent || name). */
export function qualifiedName(hasher: Hasher, nameAlg: HashName, parent: Uint8Array, name: Uint8Array): Uint8Array {
  return named(nameAlg, hasher.digest(nameAlg, parent, name));
}

function named(algorithm: HashName, digest: Uint8Array): Uint8Array {
  return concat([new ByteWriter().u16(tpmHashId(algorithm)).finish(), digest]);
}
