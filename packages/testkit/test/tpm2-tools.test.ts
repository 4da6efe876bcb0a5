import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { ByteWriter, concat, fromHex, toHex } from '@assay/core/bytes';
import { nodeCrypto } from '@assay/core/node';
import {
  checkAttestationKey,
  checkEndorsementKey,
  makeCredential,
  parsePublic,
  parseSignature,
  publicName,
  verifyQuote,
  type ParsedPublic,
} from '@assay/core/tpm';
import { Tpm } from '@assay/linux/tpm';
import { loadKeys, swtpmBench, valuesInHex, type LoadedKeys } from './tpm-bench.ts';

const NONCE = fromHex('00112233445566778899aabbccddeeff');
const PCRS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
const SELECTION = [{ bank: 'sha256', pcrs: PCRS }] as const;
const LIST = `sha256:${PCRS.join(',')}`;

/** Against the tools of another implementation (tpm2-tools 5) on the same swtpm. */
describe('tpm2-tools and Assay', () => {
  let bench: Awaited<ReturnType<typeof swtpmBench>>;
  let directory: string;
  let tpm: Tpm;

  before(async () => {
    bench = await swtpmBench();
    directory = await mkdtemp(join(tmpdir(), 'assay-tools-'));
    tpm = new Tpm(bench.transport);
    await tpm.startup();
    await tpm.extendPcr(10, new Map([['sha256', new Uint8Array(32).fill(3)]]));
  });
  after(async () => {
    await bench.dispose();
    await rm(directory, { recursive: true, force: true });
  });

  const read = (name: string): Promise<Buffer> => readFile(join(directory, name));
  const write = (name: string, bytes: Uint8Array): Promise<void> => writeFile(join(directory, name), bytes);

  /** A tool that fails or is missing (`apt-get install tpm2-tools`) fails the test. */
  async function tool(line: string): Promise<void> {
    const [name = '', ...options] = line.split(' ');
    await promisify(execFile)(name, options, {
      cwd: directory,
      env: { ...process.env, TPM2TOOLS_TCTI: `swtpm:path=${bench.socketPath}`, TSS2_LOG: 'all+NONE' },
      timeout: 120_000,
    });
  }

  /** The tools leave keys and sessions loaded. */
  async function flushAll(): Promise<void> {
    await tool('tpm2_flushcontext --transient-object');
    await tool('tpm2_flushcontext --loaded-session');
  }

  async function makeToolKeys(algorithm: 'ecc' | 'rsa', scheme: string): Promise<void> {
    await tool(`tpm2_createek -G ${algorithm} -c ek.ctx -u ek.pub`);
    await flushAll();
    await tool(`tpm2_createak -C ek.ctx -c ak.ctx -G ${algorithm} -g sha256 -s ${scheme} -u ak.pub -n ak.name`);
    await flushAll();
  }

  async function flushKeys(keys: LoadedKeys): Promise<void> {
    await tpm.flush(keys.akHandle);
    await tpm.flush(keys.ekHandle);
  }

  test('read the same PCR values', async () => {
    await tool(`tpm2_pcrread -o pcrs.bin ${LIST}`);
    const ours = await tpm.readPcrs('sha256', PCRS);
    assert.equal(toHex(await read('pcrs.bin')), toHex(concat([...ours.values()])));
  });

  test('create the same endorsement keys from templates L-1 and L-2', async () => {
    await tool('tpm2_createek -G ecc -c ek.ctx -u ek.pub');
    await flushAll();
    const ours = await tpm.createEndorsementKey();
    await tpm.flush(ours.handle);
    assert.equal(toHex(await read('ek.pub')), toHex(ours.public));
    await tool('tpm2_createek -G rsa -c ek.ctx -u ek.pub');
    await flushAll();
    assert.equal(checkEndorsementKey(parsePublic(await read('ek.pub'))).template, 'L-1');
  });

  test('tpm2_checkquote accepts a quote of ours, and refuses it with another nonce', async () => {
    const pcrs = PCRS.slice(4); // Its 5.4 takes no more than seven values from a file that has no selection in it.
    const keys = await loadKeys(tpm);
    const quoted = await tpm.quote(keys.akHandle, NONCE, [{ bank: 'sha256', pcrs }]);
    await write('ak.pub', withSize(keys.ak.public));
    await write('q.msg', quoted.message);
    await write('q.sig', quoted.signature);
    await write('q.pcrs', concat([...(await tpm.readPcrs('sha256', pcrs)).values()]));
    const check = `tpm2_checkquote -u ak.pub -m q.msg -s q.sig -f q.pcrs -l sha256:${pcrs.join(',')} -g sha256 -q`;
    await tool(`${check} ${toHex(NONCE)}`);
    await assert.rejects(tool(`${check} ${'ff'.repeat(16)}`));
    await flushKeys(keys);
  });

  for (const [algorithm, scheme] of [
    ['ecc', 'ecdsa'],
    ['rsa', 'rsassa'],
    ['rsa', 'rsapss'],
  ] as const) {
    test(`verifyQuote accepts a quote by tpm2_quote with ${scheme}, and refuses it with a bit changed`, async () => {
      await makeToolKeys(algorithm, scheme);
      await tool(`tpm2_quote -c ak.ctx -l ${LIST} -q ${toHex(NONCE)} -m q.msg -s q.sig -g sha256 --scheme ${scheme}`);
      await flushAll();
      const ak = checkAttestationKey(parsePublic(await read('ak.pub')), nodeCrypto.hasher);
      assert.equal(toHex(ak.name), toHex(await read('ak.name')));
      const [message, signature] = [await read('q.msg'), await read('q.sig')];
      assert.equal(parseSignature(signature).scheme, scheme);
      const pcrValues = new Map([['sha256', await tpm.readPcrs('sha256', PCRS)]] as const);
      const input = { ak, message, signature, extraData: NONCE, selection: SELECTION, pcrValues };
      assert.deepEqual(valuesInHex(verifyQuote(input, nodeCrypto).pcrValues), valuesInHex(pcrValues));
      const changed = message.with(60, (message[60] ?? 0) ^ 1);
      assert.throws(() => verifyQuote({ ...input, message: changed }, nodeCrypto), { code: 'QUOTE-SIGNATURE' });
    });
  }

  for (const [algorithm, scheme] of [
    ['ecc', 'ecdsa'],
    ['rsa', 'rsassa'],
  ] as const) {
    test(`tpm2_activatecredential opens a credential of ours for an EK of type ${algorithm}`, async () => {
      await makeToolKeys(algorithm, scheme);
      const ek = checkEndorsementKey(parsePublic(await read('ek.pub')));
      const akName = publicName(nodeCrypto.hasher, parsePublic(await read('ak.pub')));
      const secret = nodeCrypto.credentials.random(32);
      const made = makeCredential(nodeCrypto, ek, akName, secret);
      // The file format of tpm2-tools: a magic number, a version, then the two structures.
      await write('cred', concat([fromHex('badcc0de00000001'), made.credentialBlob, made.encryptedSecret]));
      await tool('tpm2_startauthsession --policy-session -S session.ctx');
      await tool('tpm2_policysecret -S session.ctx -c e');
      await tool('tpm2_activatecredential -c ak.ctx -C ek.ctx -i cred -o secret -P session:session.ctx');
      await flushAll();
      assert.equal(toHex(await read('secret')), toHex(secret));
    });
  }

  for (const template of ['L-1', 'L-2', 'H-1', 'H-2', 'H-3', 'H-4', 'H-6'] as const) {
    test(`activateCredential opens a credential by tpm2_makecredential for an EK ${template}`, async () => {
      const ek = await tpm.createEndorsementKey(template);
      await tpm.using(ek.handle, async () => {
        const ak = await tpm.loadAttestationKey(ek.handle, await tpm.createAttestationKey(ek.handle));
        await tpm.using(ak.handle, async () => {
          const secret = nodeCrypto.credentials.random(32);
          await write('plain', secret);
          await write('ek.pub', ek.public);
          await tool(`tpm2_makecredential -Q -T none -u ek.pub -s plain -n ${toHex(ak.name)} -o cred`);
          const made = (await read('cred')).subarray(8);
          const end = 2 + made.readUInt16BE(0);
          const [credential, encrypted] = [made.subarray(0, end), made.subarray(end)];
          const answer = await tpm.activateCredential(ak.handle, ek.handle, credential, encrypted);
          assert.equal(toHex(answer), toHex(secret));
        });
      });
    });
  }
});

/** TPM2B_PUBLIC. */
function withSize(area: ParsedPublic): Uint8Array {
  return concat([new ByteWriter().u16(area.raw.length).finish(), area.raw]);
}
