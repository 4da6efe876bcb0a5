import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { toHex } from '@assay/core/bytes';
import { nodeCrypto } from '@assay/core/node';
import {
  checkEndorsementKey,
  command,
  EMPTY_PASSWORD,
  flushContext,
  makeCredential,
  parsePublic,
  pcrExtend,
} from '@assay/core/tpm';
import { connectSwtpm, readHandles, sealData, SwtpmControl, Tpm, unsealData } from '@assay/linux/tpm';
import { swtpmAvailable } from '@assay/testkit/swtpm';
import { codeOf, loadKeys, relayed, swtpmBench } from './tpm-bench.ts';

/** Quotes in a row; 100,000 by ASSAY_TPM_QUOTES. */
const QUOTES = Number(process.env['ASSAY_TPM_QUOTES'] ?? 300);
const SELECTION = [{ bank: 'sha256', pcrs: [0, 7, 10] }] as const;
const { hasher } = nodeCrypto;

/** Sessions loaded and saved, and transient objects. */
async function loadedHandles(tpm: Tpm): Promise<number[]> {
  const kinds = [0x02000000, 0x03000000, 0x80000000];
  return (await Promise.all(kinds.map((first) => readHandles((each) => tpm.run(each), first)))).flat();
}

describe('swtpm over TCP', () => {
  test('answers as over a unix socket, and its control channel gives it power', async (t) => {
    const { port, control } = await startOverTcp(t);
    const tpm = new Tpm(await connectSwtpm({ host: '127.0.0.1', port }));
    t.after(() => tpm.close());
    assert.equal(tpm.description, `swtpm at 127.0.0.1:${port}`);
    await tpm.startup();
    await tpm.extendPcr(10, new Map([['sha256', new Uint8Array(32).fill(1)]]));
    const platform = new SwtpmControl({ host: '127.0.0.1', port: control });
    assert.ok((await platform.capabilities()) > 0n);
    const { resetCount } = await tpm.readClock();
    await tpm.shutdown();
    await platform.powerCycle();
    await tpm.startup();
    assert.equal((await tpm.readClock()).resetCount, resetCount + 1);
    assert.ok((await tpm.readPcrs('sha256', [10])).get(10)?.every((byte) => byte === 0));
  });

  test('is TPM-UNREACHABLE where nothing listens', async () => {
    const [port] = await freePorts(1);
    await assert.rejects(connectSwtpm({ host: '127.0.0.1', port: port ?? 0 }), { code: 'TPM-UNREACHABLE' });
    const platform = new SwtpmControl(join(tmpdir(), 'no-such-tpm.ctrl'));
    await assert.rejects(platform.powerCycle(), { code: 'TPM-UNREACHABLE' });
  });
});

describe('the platform of a swtpm', () => {
  test('sets the locality: PCR 17 may be extended from 3 and not from 0', async (t) => {
    const bench = await swtpmBench();
    t.after(() => bench.dispose());
    const tpm = new Tpm(bench.transport);
    await tpm.startup();
    const platform = new SwtpmControl(`${bench.socketPath}.ctrl`);
    const extend = command(pcrExtend, { pcr: 18, digests: [] }, [EMPTY_PASSWORD]);
    await assert.rejects(tpm.run(extend), { responseCode: 0x907 });
    await platform.setLocality(3);
    await tpm.run(extend);
    await platform.setLocality(0);
    await assert.rejects(tpm.run(extend), { responseCode: 0x907 });
    await assert.rejects(platform.setLocality(9), { code: 'TPM-RESPONSE' });
  });

  test('launches dynamically: PCR 17 begins with the digest of what was launched', async (t) => {
    const bench = await swtpmBench();
    t.after(() => bench.dispose());
    const tpm = new Tpm(bench.transport);
    await tpm.startup();
    const launched = Buffer.from('what is launched');
    await new SwtpmControl(`${bench.socketPath}.ctrl`).dynamicLaunch(launched);
    const expected = hasher.digest('sha256', new Uint8Array(32), hasher.digest('sha256', launched));
    assert.equal(toHex((await tpm.readPcrs('sha256', [17])).get(17) ?? new Uint8Array(0)), toHex(expected));
  });
});

describe('whatever happens, nothing stays loaded', () => {
  test(`after ${QUOTES} quotes in a row`, { timeout: 60_000 + QUOTES * 50 }, async (t) => {
    const bench = await swtpmBench();
    t.after(() => bench.dispose());
    const tpm = new Tpm(bench.transport);
    await tpm.startup();
    const keys = await loadKeys(tpm);
    const before = await loadedHandles(tpm);
    for (let i = 0; i < QUOTES; i++) {
      await tpm.quote(keys.akHandle, hasher.digest('sha256', Buffer.from(String(i))), SELECTION);
    }
    assert.deepEqual(await loadedHandles(tpm), before);
  });

  test('where any command of sealing, unsealing or activating fails, at each place', async (t) => {
    const bench = await swtpmBench();
    t.after(() => bench.dispose());
    let failAt = Number.POSITIVE_INFINITY;
    let commands = 0;
    let failed = 0;
    const failing = relayed(bench.transport, async (bytes, send) => {
      commands++;
      if (commands !== failAt) return send(bytes);
      failed = codeOf(bytes);
      failAt = Number.POSITIVE_INFINITY;
      return Buffer.from('80010000000a00000101', 'hex'); // FAILURE, and the TPM has not seen the command.
    });
    const tpm = new Tpm(failing);
    await tpm.startup();
    const blobs = await sealData(tpm, Buffer.from('x'), { selection: SELECTION });
    const policy = { selection: SELECTION, password: false };
    const work: readonly (() => Promise<unknown>)[] = [
      () => sealData(tpm, Buffer.from('x'), { selection: SELECTION }),
      () => unsealData(tpm, blobs, policy),
      () => activation(tpm),
    ];
    for (const each of work) {
      commands = 0;
      await each();
      const count = commands;
      assert.ok(count > 4);
      for (let place = 1; place <= count; place++) {
        [commands, failAt] = [0, place];
        const outcome = await each().then(
          () => 'done',
          () => 'failed',
        );
        const loaded = await loadedHandles(tpm);
        // A flush that fails is no failure of the work; what the TPM was not told of, it still has.
        const isFlush = failed === flushContext.code;
        assert.deepEqual([outcome, loaded.length], isFlush ? ['done', 1] : ['failed', 0], `place ${place} of ${count}`);
        for (const handle of loaded) await tpm.flush(handle);
      }
    }
  });

  test('where the commands fail in the TPM itself', async (t) => {
    const bench = await swtpmBench();
    t.after(() => bench.dispose());
    const tpm = new Tpm(bench.transport);
    await tpm.startup();
    const blobs = await sealData(tpm, Buffer.from('x'), { selection: SELECTION });
    await tpm.extendPcr(10, new Map([['sha256', new Uint8Array(32)]]));
    for (let i = 0; i < 20; i++) {
      await assert.rejects(unsealData(tpm, blobs, { selection: SELECTION, password: false }), { responseCode: 0x99d });
      const changed = blobs.private.with(50, i ^ (blobs.private[50] ?? 0) ^ 0x80);
      const attempt = unsealData(tpm, { ...blobs, private: changed }, { selection: SELECTION, password: false });
      await assert.rejects(attempt, { code: 'TPM-RESPONSE' });
    }
    assert.deepEqual(await loadedHandles(tpm), []);
  });
});

async function activation(tpm: Tpm): Promise<void> {
  const ek = await tpm.createEndorsementKey();
  await tpm.using(ek.handle, async () => {
    const blobs = await tpm.createAttestationKey(ek.handle);
    const ak = await tpm.loadAttestationKey(ek.handle, blobs);
    await tpm.using(ak.handle, async () => {
      const made = makeCredential(nodeCrypto, checkEndorsementKey(parsePublic(ek.public)), ak.name, new Uint8Array(32));
      await tpm.activateCredential(ak.handle, ek.handle, made.credentialBlob, made.encryptedSecret);
    });
  });
}

async function startOverTcp(t: TestContext): Promise<{ port: number; control: number }> {
  const swtpm = swtpmAvailable();
  assert.ok('path' in swtpm, 'missing' in swtpm ? swtpm.missing : '');
  const state = await mkdtemp(join(tmpdir(), 'assay-tcp-'));
  const [port = 0, control = 0] = await freePorts(2);
  const at = (number: number): string => `type=tcp,port=${number},bindaddr=127.0.0.1`;
  const words = [
    'socket',
    '--tpm2',
    '--tpmstate',
    `dir=${state}`,
    '--flags',
    'not-need-init',
    '--seccomp',
    'action=none',
  ];
  const child = spawn(swtpm.path, [...words, '--server', at(port), '--ctrl', at(control)], { stdio: 'ignore' });
  t.after(async () => {
    const gone = once(child, 'exit');
    child.kill();
    await gone;
    await rm(state, { recursive: true, force: true });
  });
  for (let attempt = 0; attempt < 200; attempt++) {
    try {
      await (await connectSwtpm({ host: '127.0.0.1', port })).close();
      return { port, control };
    } catch {
      await delay(25);
    }
  }
  throw new Error('swtpm does not listen');
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  const ports: number[] = [];
  for (const server of servers) {
    if (!server.listening) await once(server, 'listening');
    const address = server.address();
    assert.ok(address !== null && typeof address === 'object');
    ports.push(address.port);
  }
  for (const server of servers) {
    server.close();
    await once(server, 'close');
  }
  return ports;
}
