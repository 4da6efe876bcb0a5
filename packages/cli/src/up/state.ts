import { randomBytes } from 'node:crypto';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { SystemError } from '@assay/core/errors';
import { lockFile } from '@assay/linux/files';
import { Tokens, tokensPath } from '../connect.ts';
import { readStateFile } from '../state-file.ts';

/** The state directory of one `assay up`; nobody but its owner may look inside. */
export interface State {
  readonly directory: string;
  readonly tokens: Tokens;
  path(name: string): string;
  /** Lets the next `assay up` have it. */
  release(): void;
}

/** @throws SystemError STATE-IN-USE when another `assay up` works in it */
export async function openState(given: string): Promise<State> {
  const directory = resolve(given);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const release = lockFile(join(directory, 'up.lock'));
  if (release === undefined) {
    throw new SystemError('STATE-IN-USE', `another \`assay up\` works in ${directory}`);
  }
  const tokens = await ensureTokens(directory);
  return { directory, tokens, path: (name) => join(directory, name), release };
}

async function ensureTokens(directory: string): Promise<Tokens> {
  const path = tokensPath(directory);
  const kept = await readStateFile(path, Tokens);
  if (kept !== undefined) return kept;
  const tokens = { schema: 'assay.tokens.v1', operator: newToken(), join: newToken() } as const;
  await writePrivate(path, tokens);
  return tokens;
}

function newToken(): string {
  return randomBytes(32).toString('base64url');
}

/** Written beside and moved over, so that a crash leaves the old file or the new one; for the owner only. */
export async function writePrivate(path: string, document: object): Promise<void> {
  const beside = `${path}.new`;
  await writeFile(beside, `${JSON.stringify(document, null, 2)}\n`, { mode: 0o600, flush: true });
  await rename(beside, path);
}
