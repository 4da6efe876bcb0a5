import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { makeCertificate } from '@assay/core/keys';
import { nodeHasher } from '@assay/core/node';
import { openPemKey } from '@assay/linux/signers';
import { ASSAY, assay, documentIn, scratch } from './assay.ts';

/** A user namespace has keyrings of its own, so those of this machine are not touched. */
const skip =
  spawnSync('unshare', ['--user', '--map-root-user', 'true']).status === 0
    ? false
    : 'this machine lets nobody make a user namespace';

const noKeyctl =
  spawnSync('keyctl', ['--version']).status === 0 ? false : 'keyctl is missing: apt-get install keyutils';

const DAY = 86_400_000;

async function key(cwd: string, name: string): Promise<void> {
  const args = ['key', 'generate', '--type', 'rsa2048', '--out', `${name}.pem`, '--cert', `${name}.der`];
  const { code, stderr } = await assay([...args, '--name', name], { cwd });
  assert.equal(code, 0, stderr);
}

interface Shown {
  readonly keyId: string;
  readonly subject: string;
  readonly expired: boolean;
}

describe('assay key list --cert', () => {
  test('says until when the certificates behind keys of the kernel are valid, and which are not there', {
    skip,
  }, async (t) => {
    const cwd = scratch(t);
    await key(cwd, 'loaded');
    await key(cwd, 'other');
    const script = `"$1" "$2" key import loaded.der --keyring _ima >&2 &&
"$1" "$2" key list --cert loaded.der --cert other.der -o json`;
    const words = ['--user', '--map-root-user', 'sh', '-c', script, 'sh', process.execPath, ASSAY];
    const stdout = execFileSync('unshare', words, {
      cwd,
      encoding: 'utf8',
      timeout: 60_000,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const { keyrings, notLoaded } = documentIn({ stdout }) as {
      keyrings: { name: string; keys?: { certificate?: Shown; keyId: string }[] }[];
      notLoaded: Shown[];
    };
    const [mine, ...more] = keyrings.find(({ name }) => name === '_ima')?.keys ?? [];
    assert.deepEqual([mine?.certificate?.subject, mine?.certificate?.expired, more], ['CN=loaded', false, []]);
    assert.equal(mine?.certificate?.keyId, mine?.keyId);
    assert.deepEqual(
      notLoaded.map(({ subject }) => subject),
      ['CN=other'],
    );
  });

  test('says which keyrings have the keys of others', { skip: skip || noKeyctl }, async (t) => {
    const cwd = scratch(t);
    await key(cwd, 'one');
    const script = `"$1" "$2" key import one.der --keyring _ima &&
keyctl newring further "$(keyctl search @u keyring _ima)" && "$1" "$2" key list`;
    const words = ['--user', '--map-root-user', 'sh', '-c', script, 'sh', process.execPath, ASSAY];
    const stdout = execFileSync('unshare', words, { cwd, encoding: 'utf8', timeout: 60_000 });
    assert.match(stdout, /\n_ima {2}.*\n(?: {2}.*\n)* {2}\d+ {2}all keys of further\n/);
  });

  for (const [days, said] of [
    ['59', /, valid until \d{4}-\d\d-\d\dT[\d:.]+Z, for 58 days more$/m],
    ['2', /, valid until \d{4}-\d\d-\d\dT[\d:.]+Z, for 1 day more$/m],
    ['1', /, for 0 days more$/m],
    ['61', /, valid until \d{4}-\d\d-\d\dT[\d:.]+Z$/m],
  ] as const) {
    test(`says of a certificate of ${days} days whether it ends soon`, async (t) => {
      const cwd = scratch(t);
      const made = ['--type', 'p256', '--out', 'key.pem', '--cert', 'key.der', '--days', days];
      assert.equal((await assay(['key', 'generate', ...made], { cwd })).code, 0);
      const { code, stdout } = await assay(['key', 'list', '--cert', 'key.der'], { cwd });
      assert.equal(code, 0);
      assert.match(stdout, said);
    });
  }

  test('says of a certificate that it has expired', async (t) => {
    const cwd = scratch(t);
    await key(cwd, 'old');
    const own = openPemKey(readFileSync(join(cwd, 'old.pem')));
    const { publicKey } = own;
    const [notBefore, notAfter] = [new Date(Date.now() - 2 * DAY), new Date(Date.now() - DAY)];
    const parameters = {
      name: 'old',
      publicKey,
      serial: Uint8Array.of(1),
      notBefore,
      notAfter,
      hash: 'sha256',
    } as const;
    writeFileSync(join(cwd, 'old.der'), await makeCertificate(parameters, own, nodeHasher));
    const { code, stdout } = await assay(['key', 'list', '--cert', 'old.der'], { cwd });
    assert.equal(code, 0);
    assert.match(stdout, /^in no keyring: certificate [0-9a-f]{8} of CN=old, expired on \d{4}-/m);
  });
});
