import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { nodeCrypto } from '@assay/core/node';
import { checkAttestationKey, parsePublic, verifyQuote } from '@assay/core/tpm';
import { connectSwtpm, Tpm } from '@assay/linux/tpm';
import { startSwtpm } from '@assay/testkit/swtpm';

const SELECTION = [{ bank: 'sha1', pcrs: [10] }] as const;

test('case 36: a TPM quotes nothing of a bank that it does not keep, and that quote is refused', async (t) => {
  const state = await mkdtemp(join(tmpdir(), 'assay-banks-'));
  t.after(() => rm(state, { recursive: true }));
  // apt-get install swtpm-tools
  execFileSync('swtpm_setup', ['--tpm2', '--tpmstate', state, '--pcr-banks', 'sha256'], { stdio: 'ignore' });
  const swtpm = await startSwtpm(state);
  t.after(() => swtpm.stop());
  const tpm = new Tpm(await connectSwtpm(swtpm.socketPath));
  t.after(() => tpm.close());
  await tpm.startup();
  const ek = await tpm.createEndorsementKey();
  const blobs = await tpm.createAttestationKey(ek.handle, 'ecdsa-p256');
  const ak = checkAttestationKey(parsePublic(blobs.public), nodeCrypto.hasher);
  const { handle } = await tpm.loadAttestationKey(ek.handle, blobs);
  const extraData = nodeCrypto.credentials.random(32);
  const quoted = await tpm.quote(handle, extraData, SELECTION);
  const pcrValues = new Map([['sha1', new Map([[10, new Uint8Array(20)]])]] as const);
  assert.throws(() => verifyQuote({ ak, ...quoted, extraData, selection: SELECTION, pcrValues }, nodeCrypto), {
    code: 'QUOTE-SELECTION',
    message: /sha1:none/,
  });
});
