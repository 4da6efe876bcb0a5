// Entries of every template, for property tests.
import { utf8 } from '@assay/core/bytes';
import {
  encodeTemplateData,
  templateDigest,
  type ByteOrder,
  type EntryContent,
  type TemplateName,
} from '@assay/core/measurement';
import type { HashName } from '@assay/core/hash';
import { nodeHasher } from '@assay/core/node';
import fc from 'fast-check';

export const TEMPLATES: readonly TemplateName[] = [
  'ima',
  'ima-ng',
  'ima-ngv2',
  'ima-sig',
  'ima-sigv2',
  'ima-buf',
  'ima-modsig',
  'evm-sig',
];

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const sha1 = bytes(20).map((value) => ({ algorithm: 'sha1' as const, value }));
const digest = fc.oneof(
  sha1,
  bytes(32).map((value) => ({ algorithm: 'sha256' as const, value })),
  bytes(64).map((value) => ({ algorithm: 'sha512' as const, value })),
);
const type = fc.constantFrom('ima' as const, 'verity' as const);
/** No blank: the kernel has made it `_` before it measures. No newline: ascii lists have tests of their own for that. */
const name = fc.array(
  fc.integer({ min: 1, max: 255 }).filter((byte) => byte !== 0x20 && byte !== 0x0a),
  {
    minLength: 1,
    maxLength: 255,
  },
);
const anyName = fc.oneof(
  { arbitrary: name.map((list) => Uint8Array.from(list)), weight: 6 },
  { arbitrary: fc.constantFrom('boot_aggregate', 'boot_aggregate_late', 'boot').map((text) => utf8(text)), weight: 1 },
);
const size = fc.array(fc.nat({ max: 40 }), { minLength: 1, maxLength: 4 });

const fields = fc.record(
  {
    digest: fc.tuple(digest, type).map(([one, kind]) => ({ ...one, type: kind })),
    old: sha1,
    name: anyName,
    signature: fc.uint8Array({ maxLength: 600 }),
    evmSignature: fc.uint8Array({ maxLength: 600 }),
    buffer: fc.uint8Array({ minLength: 1, maxLength: 600 }),
    modsigDigest: digest,
    modsig: fc.uint8Array({ minLength: 1, maxLength: 600 }),
    uid: fc.nat({ max: 2 ** 32 - 1 }),
    gid: fc.nat({ max: 2 ** 32 - 1 }),
    mode: fc.nat({ max: 2 ** 16 - 1 }),
    xattrNames: size.map((list) => list.map((_, index) => `security.x${index}`)),
    xattrLengths: size,
    xattrValues: fc.uint8Array({ minLength: 1, maxLength: 100 }),
  },
  { requiredKeys: ['digest', 'old', 'name', 'buffer'] },
);

/** Entries with the right template digest. */
export function entryContent(byteOrder: ByteOrder, bank: HashName): fc.Arbitrary<EntryContent> {
  const given = fc.record({ template: fc.constantFrom(...TEMPLATES), pcr: fc.integer({ min: 0, max: 23 }), fields });
  return given.map(({ template, pcr, fields: { old, ...others } }) => {
    const shown = template === 'ima' ? { ...others, digest: old } : others;
    const content = { template, byteOrder, templateData: encodeTemplateData(template, shown, byteOrder) };
    return { pcr, ...content, templateDigest: templateDigest(nodeHasher, bank, content) };
  });
}

/** Entries of few PCRs, some of which are violations or have a wrong digest. */
export function listEntry(byteOrder: ByteOrder, bank: HashName): fc.Arbitrary<EntryContent> {
  const kind = fc.constantFrom('good', 'good', 'good', 'violation', 'forged');
  return fc.tuple(entryContent(byteOrder, bank), kind, fc.constantFrom(10, 10, 11)).map(([entry, what, pcr]) => {
    if (what === 'good') return { ...entry, pcr };
    const wrong = new Uint8Array(entry.templateDigest.length).fill(what === 'violation' ? 0 : 7);
    return { ...entry, pcr, templateDigest: wrong };
  });
}
