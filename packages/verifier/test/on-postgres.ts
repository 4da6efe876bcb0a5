import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createDatabase, postgresAvailable, startPostgres, type Postgres } from '@assay/testkit/postgres';
import { openStore } from '../src/store/open.ts';

/** All whose tests start a verifier or open a store, but for what only SQLite does. */
const FILES = readdirSync(import.meta.dirname).filter(
  (file) => file.endsWith('.test.ts') && !file.startsWith('sqlite') && usesStore(file),
);

function usesStore(file: string): boolean {
  return readFileSync(join(import.meta.dirname, file), 'utf8').includes("from './service.ts'");
}

const available = postgresAvailable();
const skip = 'missing' in available ? `PostgreSQL is missing: ${available.missing}` : false;

/**
 * Runs a share of these files on a PostgreSQL server of its own.
 * @param share from 0; each share is a test file, since a file may take a few minutes only
 */
export function testOnPostgres(share: number, shares: number): void {
  describe('on PostgreSQL, the same tests hold as on SQLite:', { skip }, () => {
    let server: Postgres;
    let template: string;
    before(async () => {
      server = await startPostgres(['fsync=off']);
      template = await createDatabase(server.url);
      const store = await openStore(template);
      // Connections are ended with what has asked something; while one is open nothing can be copied.
      await store.selectFrom('hosts').select('id').execute();
      await store.destroy();
    });
    after(() => server.stop());

    for (const file of FILES.filter((_file, index) => index % shares === share)) {
      test(file, async () => {
        const [code, output] = await runTests(file, server.url, template);
        assert.equal(code, 0, output);
        assert.match(output, /^# pass [1-9]/m);
      });
    }
  });
}

async function runTests(
  file: string,
  server: string,
  template: string,
): Promise<[code: number | null, output: string]> {
  const child = spawn(process.execPath, ['--test-reporter=tap', join(import.meta.dirname, file)], {
    // Without the first it reports as a test of its own, not as a part of this one.
    env: {
      ...process.env,
      NODE_TEST_CONTEXT: undefined,
      ASSAY_TEST_POSTGRES: server,
      ASSAY_TEST_POSTGRES_TEMPLATE: template,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const output: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
  await once(child, 'close');
  return [child.exitCode, Buffer.concat(output).toString()];
}
