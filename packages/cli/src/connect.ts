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

export function reader({ url }: ConnectOptions): ApiClient {
  return new ApiClient(url);
}

/** With the operator's token: ASSAY_TOKEN, else that of the state directory; without one the verifier will say no. */
export async function operator({ url, state }: ConnectOptions): Promise<ApiClient> {
  const given = process.env['ASSAY_TOKEN'];
  const token =
    given === undefined || given === '' ? (await readStateFile(tokensPath(state), Tokens))?.operator : given;
  return new ApiClient(url, token);
}
