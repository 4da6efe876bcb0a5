import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { request, type IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { Problem } from '@assay/wire';
import { createDatabase } from '@assay/testkit/postgres';
import { startVerifier, type Verifier, type VerifierOptions } from '@assay/verifier';

export const TOKENS = { operator: randomBytes(16).toString('hex'), join: randomBytes(16).toString('hex') };

/** A verifier on a free port with a store of its own; both end with the test. */
export async function service(t: TestContext, options: Partial<VerifierOptions> = {}): Promise<Verifier> {
  const verifier = await startVerifier({
    store: options.store ?? (await newStore(t)),
    port: 0,
    tokens: TOKENS,
    ...options,
  });
  t.after(() => verifier.close());
  return verifier;
}

/** The URL of an empty store: a database of the server that ASSAY_TEST_POSTGRES names, else an SQLite file. */
export async function newStore(t: TestContext): Promise<string> {
  const server = process.env['ASSAY_TEST_POSTGRES'];
  // A copy of a store that has its tables is made many times as fast as they are.
  const template = process.env['ASSAY_TEST_POSTGRES_TEMPLATE'];
  return server === undefined ? `sqlite:${databaseFile(t)}` : createDatabase(server, template);
}

/** The same before any verifier has opened it. */
export async function untouchedStore(t: TestContext): Promise<string> {
  const server = process.env['ASSAY_TEST_POSTGRES'];
  return server === undefined ? newStore(t) : createDatabase(server);
}

export function databaseFile(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'assay-verifier-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return join(directory, 'verifier.db');
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

interface Call {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Uint8Array;
  /** Address of the loopback from which it is sent: each has its own share of requests. */
  readonly from?: string;
}

/** A request with exactly these headers; fetch would not send another Host. */
export function call(
  verifier: Pick<Verifier, 'url'>,
  path: string,
  { method = 'GET', headers = {}, body, from }: Call = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = { method, headers, agent: false, ...(from === undefined ? {} : { localAddress: from }) };
    const sent = request(`${verifier.url}${path}`, options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

/** Sends JSON with a bearer token. */
export function post(verifier: Pick<Verifier, 'url'>, path: string, token: string, body: unknown): Promise<Answer> {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
  return call(verifier, path, { method: 'POST', headers, body: JSON.stringify(body) });
}

/** The problem that an answer is, checked against its schema and its own status. */
export function problemIn(answer: Answer): { status: number; code: string; detail: string } {
  if (answer.headers['content-type'] !== 'application/problem+json; charset=utf-8') {
    throw new Error(`no problem: ${answer.status} ${answer.text}`);
  }
  const { status, code, detail } = Problem.strict().parse(JSON.parse(answer.text));
  if (status !== answer.status) throw new Error(`the problem says ${status}, the answer ${answer.status}`);
  return { status, code, detail };
}

/** Status and code of a problem, to be compared at once. */
export function refusal(answer: Answer): string {
  const { status, code } = problemIn(answer);
  return `${status} ${code}`;
}
