import { nodeHasher } from '@assay/core/node';
import { isDigest, referenceDigest, type ReferenceDocument } from '@assay/core/reference';
import { z } from 'zod';
import { EXIT, UsageError } from '../exit.ts';
import { optionsFrom } from '../options.ts';
import { printJson } from '../output/report.ts';
import { shown, table } from '../output/terminal.ts';
import { compiled, readReference } from '../reference/files.ts';
import { ShowOptions } from '../reference/options.ts';

/** `assay reference show FILE` */
export async function showReference(file: unknown, given: unknown): Promise<number> {
  const options = optionsFrom(ShowOptions, given);
  const { reference, signed } = await readReference(z.string().parse(file));
  const { document } = reference;
  const digest = referenceDigest(nodeHasher, reference);
  if (options.digest !== undefined) return showDigest(document, options.digest, options.output);
  if (options.output === 'json') {
    printJson({ schema: 'assay.reference-show.v1', signed, digest, ...counts(document), document: { ...document } });
  } else process.stdout.write(summary(document, { digest, signed }));
  return EXIT.fine;
}

function counts(document: ReferenceDocument) {
  return { digests: compiled(document).size };
}

function summary(document: ReferenceDocument, { digest, signed }: { digest: string; signed: boolean }): string {
  const kinds = Map.groupBy(document.pools, ({ kind }) => kind);
  const pools = Array.from(kinds, ([kind, of]) => `${of.length} ${kind}`).join(', ');
  const rows = [
    ['name', `${document.name} version ${document.version}`],
    ['digest', digest],
    ['created', document.created],
    ['valid until', document.validUntil ?? 'no end is set'],
    ['signed', signed ? 'yes; who it is by says `assay reference verify`' : 'no'],
    ['note', shown(document.note ?? '')],
    ['digests', String(counts(document).digests)],
    ['pools', pools || 'none'],
    ['rules for paths', String(document.files.length)],
    ['buffers, keyrings', `${document.buffers.length}, ${document.keyrings.length}`],
    ['signers', document.keys.map(({ name }) => shown(name)).join(', ') || 'none'],
    ['denied', String(document.denied.length)],
    ...document.excludes.map(({ pattern, reason, owner, expires }) => [
      'exclude',
      `${shown(pattern)}: ${shown(reason)} (${shown(owner)}, until ${expires})`,
    ]),
  ];
  return table(rows);
}

function showDigest(document: ReferenceDocument, digest: string, output: string): number {
  if (!isDigest(digest)) throw new UsageError('--digest takes a whole digest, such as sha256:<64 digits>');
  const denied = document.denied.find((rule) => rule.digest === digest)?.reason ?? null;
  const pools = document.pools.flatMap((pool) =>
    pool.digests.filter((each) => each.digest === digest).map(({ paths }) => ({ pool: pool.id, paths })),
  );
  const files = document.files.filter((rule) => rule.digests.includes(digest)).map(({ path }) => path);
  const good = denied === null && pools.length + files.length > 0;
  if (output === 'json') printJson({ schema: 'assay.reference-digest.v1', digest, good, denied, pools, files });
  else {
    const lines = [
      ...(denied === null ? [] : [`denied: ${shown(denied)}`]),
      ...pools.map(({ pool, paths }) => `${shown(pool)}: ${paths.map(shown).join(', ') || 'no path'}`),
      ...files.map((path) => `good at ${shown(path)} only`),
    ];
    process.stdout.write(lines.length === 0 ? 'it is in no pool and no rule\n' : `${lines.join('\n')}\n`);
  }
  return good ? EXIT.fine : EXIT.no;
}
