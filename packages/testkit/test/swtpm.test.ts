import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { fromHex, toHex } from '@assay/core/bytes';
import { nodeCrypto } from '@assay/core/node';
import { createPrimary, EK_ECC_P256, encodePublic, getCapability, makeCredential, verifyQuote } from '@assay/core/tpm';
import { connectSwtpm, Tpm } from '@assay/linux/tpm';
import { startSwtpm } from '@assay/testkit/swtpm';
import { codeOf, loadKeys, relayed, swtpmBench } from './tpm-bench.ts';
import { tpmBehaviour } from './tpm-behaviour.ts';

tpmBehaviour('swtpm', () => swtpmBench());

describe('a client of swtpm', () => {
  test('takes EK template L-1 where the TPM has no ECC, and its credentials activate', async (t) => {
    const bench = await swtpmBench();
    t.after(() => bench.dispose());
    const eccTemplate = Buffer.from(encodePublic(EK_ECC_P256));
    const withoutEcc = relayed(bench.transport, async (bytes, send) => {
      const asksForEcc = codeOf(bytes) === createPrimary.code && Buffer.from(bytes).includes(eccTemplate);
      return asksForEcc ? fromHex('80010000000a000002ca') : send(bytes);
    });
    const tpm = new Tpm(withoutEcc);
    await tpm.startup();
    const keys = await loadKeys(tpm);
    assert.equal(keys.ek.template, 'L-1');
    const secret = nodeCrypto.credentials.random(32);
    const made = makeCredential(nodeCrypto, keys.ek, keys.ak.name, secret);
    const answer = await tpm.activateCredential(
      keys.akHandle,
      keys.ekHandle,
      made.credentialBlob,
      made.encryptedSecret,
    );
    assert.equal(toHex(answer), toHex(secret));
  });

  test('asks on for properties where the TPM returns one at a time', async (t) => {
    const bench = await swtpmBench();
    t.after(() => bench.dispose());
    const tpm = new Tpm(bench.transport);
    await tpm.startup();
    const miserly = relayed(bench.transport, async (bytes, send) => {
      const asked = bytes.slice();
      if (codeOf(bytes) === getCapability.code) new DataView(asked.buffer).setUint32(18, 1);
      return send(asked);
    });
    assert.deepEqual(await new Tpm(miserly).identity(), await tpm.identity());
  });

  test('lets another client in between its commands', async (t) => {
    const bench = await swtpmBench();
    t.after(() => bench.dispose());
    const one = new Tpm(bench.transport);
    await one.startup();
    const other = new Tpm(await connectSwtpm(bench.socketPath));
    for (let i = 0; i < 20; i++) {
      await one.extendPcr(10, new Map([['sha256', new Uint8Array(32)]]));
      assert.deepEqual(await other.readPcrs('sha256', [10]), await one.readPcrs('sha256', [10]));
    }
    await Promise.all(Array.from({ length: 40 }, (_, i) => (i % 2 === 0 ? one : other).random(8)));
    await other.close();
  });

  test('gives up a command at its time limit, and works again when the TPM does', async (t) => {
    const bench = await swtpmBench();
    t.after(() => bench.dispose());
    const tpm = new Tpm(bench.transport, { timeLimitMs: 300 });
    await tpm.startup();
    process.kill(bench.pid, 'SIGSTOP');
    await assert.rejects(tpm.random(8), { code: 'TPM-UNREACHABLE', message: /no answer to TPM2_GetRandom in 300 ms/ });
    process.kill(bench.pid, 'SIGCONT');
    assert.equal((await tpm.random(16)).length, 16);
  });

  test('says that the TPM is unreachable where it died or never was', async (t) => {
    const bench = await swtpmBench();
    t.after(() => bench.dispose());
    const tpm = new Tpm(bench.transport);
    await tpm.startup();
    process.kill(bench.pid, 'SIGKILL');
    await assert.rejects(tpm.random(8), { code: 'TPM-UNREACHABLE' });
    await assert.rejects(connectSwtpm('/nonexistent/tpm'), { code: 'TPM-UNREACHABLE' });
  });

  test('verifies a quote of one swtpm only with the AK of that swtpm', async (t) => {
    const benches = [await swtpmBench(), await swtpmBench()];
    t.after(() => Promise.all(benches.map((bench) => bench.dispose())));
    const [mine, other] = await Promise.all(
      benches.map(async ({ transport }) => {
        const tpm = new Tpm(transport);
        await tpm.startup();
        return { tpm, keys: await loadKeys(tpm) };
      }),
    );
    assert.ok(mine !== undefined && other !== undefined);
    const extraData = new Uint8Array(32).fill(5);
    const selection = [{ bank: 'sha256', pcrs: [10] }] as const;
    const quoted = await other.tpm.quote(other.keys.akHandle, extraData, selection);
    const pcrValues = new Map([['sha256', await other.tpm.readPcrs('sha256', [10])]] as const);
    const input = { ...quoted, extraData, selection, pcrValues };
    assert.equal(verifyQuote({ ak: other.keys.ak, ...input }, nodeCrypto).akName, other.keys.ak.name);
    assert.throws(() => verifyQuote({ ak: mine.keys.ak, ...input }, nodeCrypto), { code: 'QUOTE-SIGNATURE' });
  });
});

describe('startSwtpm', () => {
  test('leaves no process and no socket behind', async () => {
    const running = await startSwtpm();
    assert.ok(existsSync(running.socketPath) && existsSync(`${running.socketPath}.ctrl`));
    await running.stop();
    assert.throws(() => process.kill(running.pid, 0), { code: 'ESRCH' });
    assert.equal(existsSync(dirname(running.socketPath)), false);
  });

  test('says what swtpm said where it does not start', async (t) => {
    const state = await mkdtemp(join(tmpdir(), 'assay-tpm-state-'));
    t.after(() => rm(state, { recursive: true }));
    await writeFile(join(state, 'tpm2-00.permall'), 'not the state of a TPM');
    await assert.rejects(startSwtpm(state), { code: 'TPM-UNREACHABLE', message: /swtpm did not start: .+/ });
  });
});
