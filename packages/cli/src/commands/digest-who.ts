import { SystemError } from '@assay/core/errors';
import { Digest, DigestDocument, route, ROUTES, type ApiClient } from '@assay/wire';
import { z } from 'zod';
import { reader } from '../connect.ts';
import { EXIT, UsageError } from '../exit.ts';
import { ConnectOptions, optionsFrom } from '../options.ts';
import { printJson } from '../output/report.ts';
import { plural } from '../output/plural.ts';
import { ago, colours, shown, table } from '../output/terminal.ts';

/** `assay digest who DIGEST...`: exits with 1 when no host ever measured any of them. */
export async function digestWho(values: unknown, given: unknown): Promise<number> {
  const options = optionsFrom(ConnectOptions, given);
  const digests = new Set(z.array(z.string()).parse(values).map(digestFrom));
  const client = reader(options);
  const documents: DigestDocument[] = [];
  for (const digest of digests) documents.push(await allSightings(client, digest));
  const [first] = documents;
  const isOne = first !== undefined && documents.length === 1;
  if (options.output === 'json') printJson(isOne ? first : { schema: 'assay.digests.v1', digests: documents });
  else process.stdout.write(documents.map(answer).join('\n'));
  return documents.every(({ hosts }) => hosts === 0) ? EXIT.no : EXIT.fine;
}

function digestFrom(text: string): string {
  const digest = /^[0-9a-f]{64}$/i.test(text) ? `sha256:${text}` : text;
  const parsed = Digest.safeParse(digest.toLowerCase());
  if (!parsed.success) throw new UsageError('a digest is an algorithm, a colon and hexadecimal digits: sha256:9f86…');
  return parsed.data;
}

async function allSightings(client: ApiClient, digest: string): Promise<DigestDocument> {
  const path = route(ROUTES.digest, digest);
  const first = await client.call(path, DigestDocument, { query: { limit: '1000' } });
  const sightings = [...first.sightings];
  let cursor = first.next;
  while (cursor !== null) {
    const page: DigestDocument = await client.call(path, DigestDocument, { query: { limit: '1000', cursor } });
    if (page.sightings.length === 0 && page.next !== null) throw endless(client);
    sightings.push(...page.sightings);
    cursor = page.next;
  }
  return { ...first, sightings, next: null };
}

function endless(client: ApiClient): SystemError {
  return new SystemError(
    'VERIFIER-UNREACHABLE',
    `verifier at ${client.baseUrl}: a page of sightings is empty and not the last`,
  );
}

function answer({ digest, hosts, sightings, looked }: DigestDocument): string {
  const where = `${looked.entries} entries of ${plural(looked.hosts, 'host')}`;
  const all = looked.since === null ? 'No host has sent evidence yet.' : `Looked at: ${where} since ${looked.since}.`;
  if (hosts === 0) return `${digest} was never measured.\n${all}\n`;
  const colour = colours(1);
  const head = ['HOST', 'BOOT', 'PATH', 'FIRST', 'LAST', 'ATTESTED UNTIL'].map((title) => colour.dim(title));
  const rows = sightings.map(({ host, boot, path, firstSeen, lastSeen, attestedUntil }) => [
    host.name,
    `${boot.resetCount}.${boot.restartCount}`,
    shown(path),
    ago(firstSeen),
    ago(lastSeen),
    ago(attestedUntil),
  ]);
  return `${digest} was measured on ${plural(hosts, 'host')}:\n${table([head, ...rows])}${all}\n`;
}
