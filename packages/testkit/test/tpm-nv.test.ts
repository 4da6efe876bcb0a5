import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { concat, toHex } from '@assay/core/bytes';
import { nodeCrypto } from '@assay/core/node';
import {
  checkEndorsementKey,
  command,
  EK_ECC_P256,
  EMPTY_PASSWORD,
  encodePublic,
  NV,
  nvDefineSpace,
  nvExtend,
  nvIncrement,
  nvRead,
  nvReadLock,
  nvWrite,
  nvWriteLock,
  parsePublic,
  publicKeyOf,
  TPM_HANDLE,
  verifyNvCertify,
  type NvPublic,
  type PublicArea,
} from '@assay/core/tpm';
import {
  certificatesIn,
  certifyNv,
  connectSwtpm,
  createCertifiedEndorsementKey,
  listNvIndices,
  readCertificateChain,
  readCertificates,
  readNv,
  readNvPublic,
  Tpm,
} from '@assay/linux/tpm';
import { manufactureSwtpm, startSwtpm } from '@assay/testkit/swtpm';
import { loadKeys, relayed, swtpmBench } from './tpm-bench.ts';

const { hasher } = nodeCrypto;
const NONE = new Uint8Array(0);
const OPEN = NV.AUTH_READ | NV.AUTH_WRITE | NV.NO_DA;
const QUESTION = hasher.digest('sha256', Uint8Array.of(2));

describe('NV storage, on swtpm', () => {
  let bench: Awaited<ReturnType<typeof swtpmBench>>;
  let tpm: Tpm;
  before(async () => {
    bench = await swtpmBench();
    tpm = new Tpm(bench.transport);
    await tpm.startup();
  });
  after(() => bench.dispose());

  async function define(
    index: number,
    changes: Partial<NvPublic> = {},
  ): Promise<{ authHandle: number; nvIndex: number }> {
    const publicInfo = {
      index,
      nameAlg: 'sha256',
      attributes: OPEN,
      authPolicy: NONE,
      dataSize: 64,
      ...changes,
    } as const;
    const values = { authHandle: TPM_HANDLE.OWNER, auth: NONE, publicInfo };
    await tpm.run(command(nvDefineSpace, values, [EMPTY_PASSWORD]));
    return { authHandle: index, nvIndex: index };
  }
  const write = async (own: { authHandle: number; nvIndex: number }, data: Uint8Array, offset = 0): Promise<unknown> =>
    tpm.run(command(nvWrite, { ...own, data, offset }, [EMPTY_PASSWORD]));

  test('an index is read in pieces, as many as it takes', async () => {
    const data = nodeCrypto.credentials.random(2048);
    const own = await define(0x01800001, { dataSize: 2048 });
    await write(own, data.subarray(0, 1024));
    await write(own, data.subarray(1024), 1024);
    const sizes: number[] = [];
    const counted = new Tpm(
      relayed(bench.transport, async (bytes, send) => {
        const view = Buffer.from(bytes);
        if (view.readUInt32BE(6) === nvRead.code) sizes.push(view.readUInt16BE(bytes.length - 4));
        return send(bytes);
      }),
    );
    assert.equal(toHex((await readNv(counted, 0x01800001)) ?? NONE), toHex(data));
    assert.deepEqual(sizes, [1024, 1024]);
  });

  test('an index that is not there, or not written yet, holds nothing', async () => {
    await define(0x01800002);
    assert.equal(await readNv(tpm, 0x01800002), undefined);
    assert.equal(await readNv(tpm, 0x018000ff), undefined);
    assert.ok((await listNvIndices(tpm)).includes(0x01800002));
  });

  test('the owner reads what its own password does not, and a policy alone is not permitted', async () => {
    const own = await define(0x01800003, { attributes: NV.OWNER_READ | NV.AUTH_WRITE });
    await write(own, QUESTION);
    assert.equal(toHex((await readNv(tpm, 0x01800003))?.subarray(0, 32) ?? NONE), toHex(QUESTION));
    const closed = await define(0x01800004, { attributes: NV.POLICY_READ | NV.AUTH_WRITE });
    await write(closed, QUESTION);
    await assert.rejects(readNv(tpm, 0x01800004), { code: 'NOT-PERMITTED' });
  });

  test('counters count, extended indices hash', async () => {
    const counter = await define(0x01800005, { attributes: OPEN | NV.COUNTER, dataSize: 8 });
    await tpm.run(command(nvIncrement, counter, [EMPTY_PASSWORD]));
    const first = Buffer.from((await readNv(tpm, 0x01800005)) ?? NONE).readBigUInt64BE();
    await tpm.run(command(nvIncrement, counter, [EMPTY_PASSWORD]));
    assert.equal(Buffer.from((await readNv(tpm, 0x01800005)) ?? NONE).readBigUInt64BE(), first + 1n);
    const extended = await define(0x01800006, { attributes: OPEN | NV.EXTEND, dataSize: 32 });
    await tpm.run(command(nvExtend, { ...extended, data: QUESTION }, [EMPTY_PASSWORD]));
    const expected = hasher.digest('sha256', new Uint8Array(32), QUESTION);
    assert.equal(toHex((await readNv(tpm, 0x01800006)) ?? NONE), toHex(expected));
  });

  test('locks hold', async () => {
    const own = await define(0x01800007, { attributes: OPEN | NV.WRITE_STCLEAR | NV.READ_STCLEAR });
    await write(own, QUESTION);
    await tpm.run(command(nvWriteLock, own, [EMPTY_PASSWORD]));
    await assert.rejects(write(own, QUESTION), { code: 'TPM-RESPONSE' });
    await tpm.run(command(nvReadLock, own, [EMPTY_PASSWORD]));
    await assert.rejects(readNv(tpm, 0x01800007), { code: 'TPM-RESPONSE' });
  });

  test('an EK is made from the nonce and the template that are kept for it', async () => {
    const made = async (): Promise<string> => {
      const ek = await createCertifiedEndorsementKey(tpm, 'L-2');
      await tpm.flush(ek.handle);
      assert.equal(checkEndorsementKey(parsePublic(ek.public)).template, 'L-2');
      return toHex(ek.public);
    };
    const from = async (area: PublicArea): Promise<string> => {
      const key = await tpm.createPrimary(TPM_HANDLE.ENDORSEMENT, area);
      await tpm.flush(key.handle);
      return toHex(key.public);
    };
    assert.equal(await made(), await from(EK_ECC_P256));
    const nonce = new Uint8Array(20).fill(9);
    const x = concat([nonce, new Uint8Array(12)]);
    await write(await define(0x01c0000b, { dataSize: nonce.length }), nonce);
    assert.equal(await made(), await from({ ...EK_ECC_P256, x }));
    // tpm2_createek 5.4 makes another key each time from these (it copies the address of the nonce).
    const y = new Uint8Array(32).fill(4);
    const template = encodePublic({ ...EK_ECC_P256, y }).subarray(2);
    await write(await define(0x01c0000c, { dataSize: template.length }), template);
    assert.equal(await made(), await from({ ...EK_ECC_P256, x, y }));
    await write(await define(0x01c00004, { dataSize: 4 }), QUESTION.subarray(0, 4));
    await assert.rejects(createCertifiedEndorsementKey(tpm, 'L-1'), { name: 'FormatError' });
  });

  test('NV_Certify: the index of this name holds these bytes', async () => {
    const keys = await loadKeys(tpm);
    await write(await define(0x01800008), QUESTION, 16);
    const signer = { akHandle: keys.akHandle, extraData: QUESTION };
    const signed = await certifyNv(tpm, signer, 0x01800008, { offset: 16, size: 32 });
    assert.ok(signed !== undefined);
    const indexName = (await readNvPublic(tpm, 0x01800008))?.name ?? NONE;
    const input = { ak: keys.ak, ...signed, extraData: QUESTION };
    const expected = { indexName, offset: 16, size: 32 };
    assert.equal(toHex(verifyNvCertify(input, expected, nodeCrypto).attested.contents), toHex(QUESTION));
    for (const changes of [{ indexName: keys.ak.name }, { offset: 0 }, { size: 31 }]) {
      const other = { ...expected, ...changes };
      assert.throws(() => verifyNvCertify(input, other, nodeCrypto), { code: 'ATTEST-SUBJECT' });
    }
    assert.equal(await certifyNv(tpm, signer, 0x018000fe, { offset: 0, size: 1 }), undefined);
    await tpm.flush(keys.akHandle);
    await tpm.flush(keys.ekHandle);
  });
});

describe('certificates that a maker put into a TPM', () => {
  test('are read with what they are for, and are of its endorsement keys', async (t) => {
    const directory = await mkdtemp(join(tmpdir(), 'assay-made-'));
    t.after(() => rm(directory, { recursive: true, force: true }));
    const bench = await swtpmBench((await manufactureSwtpm(directory)).state);
    t.after(() => bench.dispose());
    const tpm = new Tpm(bench.transport);
    await tpm.startup();
    const certificates = await readCertificates(tpm);
    assert.deepEqual(
      certificates.map(({ index, use }) => [index.toString(16), use]),
      [
        ['1c00002', 'EK L-1'],
        ['1c00016', 'EK H-3'],
        ['1c08000', 'platform'],
      ],
    );
    for (const [position, template] of [
      [0, 'L-1'],
      [1, 'H-3'],
    ] as const) {
      const made = await tpm.createEndorsementKey(template);
      await tpm.flush(made.handle);
      const key = publicKeyOf(parsePublic(made.public));
      const jwk = new X509Certificate(certificates[position]?.der ?? NONE).publicKey.export({ format: 'jwk' });
      const number = Buffer.from((key.kind === 'rsa' ? jwk.n : jwk.x) ?? '', 'base64url');
      assert.equal(toHex(number), toHex(key.kind === 'rsa' ? key.modulus : key.x));
    }
    assert.deepEqual(await readCertificateChain(tpm), []);
  });

  test('are read without what pads them, with the authorities above that are there, as tpm2-tools wrote them', async (t) => {
    const directory = await mkdtemp(join(tmpdir(), 'assay-padded-'));
    t.after(() => rm(directory, { recursive: true, force: true }));
    const [leaf, authority, root] = await makersCertificates(directory);
    assert.ok(leaf !== undefined && authority !== undefined && root !== undefined);
    const running = await startSwtpm();
    t.after(() => running.stop());
    const chain = Buffer.concat([authority, root]);
    const cut = authority.length + 100; // In the middle of the second one, as where the first index is full.
    const held: readonly [number, Buffer][] = [
      [0x01c00002, Buffer.concat([leaf, Buffer.alloc(200)])],
      [0x01c0000a, Buffer.concat([leaf, Buffer.alloc(200, 0xff)])],
      [0x01c00016, Buffer.alloc(900, 0xff)],
      [0x01c00100, chain.subarray(0, cut)],
      [0x01c00101, Buffer.concat([chain.subarray(cut), Buffer.alloc(64, 0xff)])],
    ];
    await tpm2(directory, running.socketPath, 'tpm2_startup', '-c');
    for (const [index, bytes] of held) {
      const [file, at] = [join(directory, 'nv'), `0x${index.toString(16)}`];
      writeFileSync(file, bytes);
      const attributes = 'ownerwrite|ownerread|authread|no_da';
      await tpm2(
        directory,
        running.socketPath,
        'tpm2_nvdefine',
        '-C',
        'o',
        '-s',
        `${bytes.length}`,
        '-a',
        attributes,
        at,
      );
      await tpm2(directory, running.socketPath, 'tpm2_nvwrite', '-C', 'o', '-i', file, at);
    }
    const tpm = new Tpm(await connectSwtpm(running.socketPath));
    t.after(() => tpm.close());
    const certificates = await readCertificates(tpm);
    assert.deepEqual(
      certificates.map(({ use, der }) => [use, toHex(der)]),
      [
        ['EK L-1', toHex(leaf)],
        ['EK L-2', toHex(leaf)],
      ],
    );
    assert.deepEqual((await readCertificateChain(tpm)).map(toHex), [authority, root].map(toHex));
  });

  test('end where their DER says, and what follows that is none is left out', () => {
    const one = concat([Uint8Array.of(0x30, 0x82, 0x01, 0x00), new Uint8Array(256).fill(1)]);
    const two = concat([Uint8Array.of(0x30, 0x82, 0x00, 0x81), new Uint8Array(129).fill(2)]);
    assert.deepEqual(certificatesIn(concat([one, two])).map(toHex), [one, two].map(toHex));
    for (const tail of [new Uint8Array(40), new Uint8Array(40).fill(0xff), one.subarray(0, 100), Uint8Array.of(0x30)]) {
      assert.deepEqual(certificatesIn(concat([one, tail])).map(toHex), [toHex(one)]);
    }
    assert.deepEqual(certificatesIn(NONE), []);
  });
});

/** Certificates of a maker in DER: of an endorsement key, of the authority above it, and of the root. */
async function makersCertificates(directory: string): Promise<Uint8Array[]> {
  const made = await manufactureSwtpm(directory);
  const bench = await swtpmBench(made.state);
  const tpm = new Tpm(bench.transport);
  await tpm.startup();
  const [ek] = await readCertificates(tpm);
  await bench.dispose();
  const above = [made.authority, made.root].map((path) => new X509Certificate(readFileSync(path)).raw);
  return [ek?.der ?? NONE, ...above];
}

/** A tool that fails or is missing (`apt-get install tpm2-tools`) fails the test. */
async function tpm2(cwd: string, socketPath: string, name: string, ...words: readonly string[]): Promise<void> {
  const env = { ...process.env, TPM2TOOLS_TCTI: `swtpm:path=${socketPath}`, TSS2_LOG: 'all+NONE' };
  await promisify(execFile)(name, words, { cwd, env, timeout: 120_000 });
}
