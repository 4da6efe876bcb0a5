import { SystemError } from '@assay/core/errors';
import { nodeHasher } from '@assay/core/node';
import { writePrivateJson } from '@assay/linux/files';
import { AuditChain, AuditEntry, AuditPage, ROUTES, type ApiClient, type AuditHead } from '@assay/wire';
import { z } from 'zod';
import { operator } from '../connect.ts';
import { EXIT } from '../exit.ts';
import { ConnectOptions, optionsFrom } from '../options.ts';
import { printJson } from '../output/report.ts';
import { colours, shown, table } from '../output/terminal.ts';
import { readStateFile } from '../state-file.ts';

const ShowOptions = ConnectOptions.extend({ text: z.string().default('') });
const VerifyOptions = ConnectOptions.extend({ head: z.string().min(1).optional() });

const Head = z.object({
  schema: z.literal('assay.audit-head.v1'),
  seq: AuditEntry.shape.seq,
  hash: AuditEntry.shape.hash,
});

/** `assay audit show` */
export async function showAudit(given: unknown): Promise<number> {
  const options = optionsFrom(ShowOptions, given);
  const text = options.text.trim().toLowerCase();
  const entries: AuditEntry[] = [];
  for await (const entry of auditLog(await operator(options))) {
    const { actor, action, subject, detail } = entry;
    if (`${actor} ${action} ${subject} ${detail}`.toLowerCase().includes(text)) entries.push(entry);
  }
  if (options.output === 'json') printJson({ schema: 'assay.audit.v1', entries, next: null });
  else process.stdout.write(entries.length === 0 ? 'Nothing was done yet.\n' : auditTable(entries));
  return EXIT.fine;
}

function auditTable(entries: readonly AuditEntry[]): string {
  const colour = colours(1);
  const head = ['NUMBER', 'TIME', 'WHO', 'DID', 'TO', 'DETAIL'].map((title) => colour.dim(title));
  const rows = entries.map(({ seq, at, actor, action, subject, detail }) => [
    String(seq),
    at,
    ...[actor, action, subject, detail].map(shown),
  ]);
  return table([head, ...rows]);
}

/** `assay audit verify`: exits with 1 when the log is not the one chain that it was. */
export async function verifyAudit(given: unknown): Promise<number> {
  const options = optionsFrom(VerifyOptions, given);
  const before = options.head === undefined ? undefined : await readStateFile(options.head, Head);
  const { problem, head } = await checked(auditLog(await operator(options)), before);
  if (options.output === 'json') {
    printJson({ schema: 'assay.audit-verification.v1', intact: problem === null, problem, head });
  } else
    process.stdout.write(problem === null ? `${head.seq} entries, none changed, moved or removed\n` : `${problem}\n`);
  if (problem !== null) return EXIT.no;
  if (options.head !== undefined) await writePrivateJson(options.head, { schema: 'assay.audit-head.v1', ...head });
  return EXIT.fine;
}

/** @param remembered where the log ended the last time, which it has to hold still */
async function checked(
  log: AsyncIterable<AuditEntry>,
  remembered: AuditHead | undefined,
): Promise<{ problem: string | null; head: AuditHead }> {
  const chain = new AuditChain(nodeHasher);
  for await (const entry of log) {
    const problem = chain.follow(entry);
    if (problem !== undefined) return { problem, head: chain.head };
    if (entry.seq === remembered?.seq && entry.hash !== remembered.hash) {
      return {
        problem: `the log was written anew: entry ${entry.seq} is another than was remembered`,
        head: chain.head,
      };
    }
  }
  const { head } = chain;
  if (remembered !== undefined && head.seq < remembered.seq) {
    return { problem: `the log was cut: it ends at ${head.seq}, and had ${remembered.seq} entries before`, head };
  }
  return { problem: null, head };
}

async function* auditLog(client: ApiClient): AsyncGenerator<AuditEntry> {
  let cursor: string | null = '0';
  while (cursor !== null) {
    const page: AuditPage = await client.call(ROUTES.audit, AuditPage, { query: { cursor, limit: '1000' } });
    if (page.entries.length === 0 && page.next !== null) {
      throw new SystemError('VERIFIER-UNREACHABLE', `verifier at ${client.baseUrl}: a page of the log is empty`);
    }
    yield* page.entries;
    cursor = page.next;
  }
}
