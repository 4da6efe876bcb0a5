import { randomBytes } from 'node:crypto';
import { join, resolve } from 'node:path';
import { SystemError } from '@assay/core/errors';
import { lockFile, makePrivateDirectory, writePrivateJson } from '@assay/linux/files';
import { newTokenKey } from '@assay/wire/token';
import { z } from 'zod';
import { Tokens, tokensPath } from '../connect.ts';
import { readStateFile } from '../state-file.ts';

/** The state directory of one `assay up`; nobody but its owner may look inside. */
export interface State {
  readonly directory: string;
  readonly tokens: Tokens;
  /** Signs attestation results: P-256 in PEM (PKCS#8). */
  readonly resultKey: string;
  path(name: string): string;
  /** Lets the next `assay up` have it. */
  release(): void;
}

/** @throws SystemError STATE-IN-USE when another `assay up` works in it */
export async function openState(given: string): Promise<State> {
  const directory = resolve(given);
  makePrivateDirectory(directory);
  const release = lockFile(join(directory, 'up.lock'));
  if (release === undefined) {
    throw new SystemError('STATE-IN-USE', `another \`assay up\` works in ${directory}`);
  }
  const tokens = await ensureTokens(directory);
  const resultKey = await ensureResultKey(directory);
  return { directory, tokens, resultKey, path: (name) => join(directory, name), release };
}

/**
 * The tokens of a state directory, made where it has none. Several verifiers of one store may share it.
 * @throws SystemError STATE-IN-USE when another process is just making them
 */
export async function openTokens(given: string): Promise<Pick<State, 'directory' | 'tokens' | 'resultKey'>> {
  const directory = resolve(given);
  makePrivateDirectory(directory);
  const tokens = await readStateFile(tokensPath(directory), Tokens);
  const resultKey = await readStateFile(resultKeyPath(directory), ResultKey);
  if (tokens !== undefined && resultKey !== undefined) return { directory, tokens, resultKey: resultKey.key };
  const release = lockFile(join(directory, 'tokens.lock'));
  if (release === undefined) throw new SystemError('STATE-IN-USE', `another verifier begins to work in ${directory}`);
  try {
    return { directory, tokens: await ensureTokens(directory), resultKey: await ensureResultKey(directory) };
  } finally {
    release();
  }
}

async function ensureTokens(directory: string): Promise<Tokens> {
  const path = tokensPath(directory);
  const kept = await readStateFile(path, Tokens);
  if (kept !== undefined) return kept;
  const tokens = { schema: 'assay.tokens.v1', operator: newToken(), join: newToken() } as const;
  await writePrivateJson(path, tokens);
  return tokens;
}

function resultKeyPath(directory: string): string {
  return join(directory, 'result-key.json');
}

const ResultKey = z.object({ schema: z.literal('assay.result-key.v1'), key: z.string() });

async function ensureResultKey(directory: string): Promise<string> {
  const path = resultKeyPath(directory);
  const kept = await readStateFile(path, ResultKey);
  if (kept !== undefined) return kept.key;
  const key = await newTokenKey();
  await writePrivateJson(path, { schema: 'assay.result-key.v1', key });
  return key;
}

function newToken(): string {
  return randomBytes(32).toString('base64url');
}
