import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { SystemError } from '@assay/core/errors';
import { lockFile, writePrivateJson } from '@assay/linux/files';
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
  await writePrivateJson(path, tokens);
  return tokens;
}

function newToken(): string {
  return randomBytes(32).toString('base64url');
}
