// Writes api.d.ts, the types of the HTTP API, from its own description; `npm run typecheck` runs it
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startVerifier } from '@assay/verifier';
import generate, { astToString } from 'openapi-typescript';

const API_TYPES = join(import.meta.dirname, 'api.d.ts');
const HEAD = '// Written by `npm run typecheck` from /openapi.json, as any client of the verifier can be.\n\n';

/** The types of the API that a verifier of this version describes. */
async function apiTypes(): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'assay-openapi-'));
  const tokens = { operator: 'of nobody', join: 'of nobody else' };
  const verifier = await startVerifier({ store: `sqlite:${directory}/verifier.sqlite`, port: 0, tokens });
  try {
    const types = await generate(new URL('/openapi.json', verifier.url));
    return HEAD + astToString(types);
  } finally {
    await verifier.close();
    rmSync(directory, { recursive: true });
  }
}

writeFileSync(API_TYPES, await apiTypes());
