import { join } from 'node:path';
import { ApiClient } from '@assay/wire';
import { z } from 'zod';
import { readStateFile } from './state-file.ts';

export const DEFAULT_URL = 'http://127.0.0.1:4620';
export const DEFAULT_STATE = '.assay';

/** Options of every command that asks a verifier. */
export interface ConnectOptions {
  readonly url: string;
  /** State directory of `assay up`, for its operator token. */
  readonly state: string;
}

export const Tokens = z.object({
  schema: z.literal('assay.tokens.v1'),
  operator: z.string().min(1),
  join: z.string().min(1),
});
export type Tokens = z.infer<typeof Tokens>;

export function tokensPath(state: string): string {
  return join(state, 'tokens.json');
}

/** For what may be read: on the loopback by anybody, elsewhere with the token in ASSAY_TOKEN. */
export function reader({ url }: ConnectOptions): ApiClient {
  return new ApiClient(url, givenToken());
}

/** An empty one is none. */
function givenToken(): string | undefined {
  const given = process.env['ASSAY_TOKEN'];
  return given === '' ? undefined : given;
}

/** With the operator's token: ASSAY_TOKEN, else that of the state directory; without one the verifier will say no. */
export async function operator({ url, state }: ConnectOptions): Promise<ApiClient> {
  const token = givenToken() ?? (await readStateFile(tokensPath(state), Tokens))?.operator;
  return new ApiClient(url, token);
}
