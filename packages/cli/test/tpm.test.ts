import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { fromBase64, fromHex, toHex } from '@assay/core/bytes';
import { nodeCrypto } from '@assay/core/node';
import { checkAttestationKey, encodeToolsPcrs, parsePublic, parseSealedFile, verifyQuote } from '@assay/core/tpm';
import { connectSwtpm, parseTpmAddress, readHandles, Tpm } from '@assay/linux/tpm';
import { startSwtpm, type RunningSwtpm } from '@assay/testkit/swtpm';
import { z } from 'zod';
import { parsePcrSelection } from '../src/tpm-options.ts';
import { assay, assertFails, documentIn, scratch, UNSAFE } from './assay.ts';

const NONCE = '00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff';
const Pcrs = z.record(z.string(), z.record(z.string(), z.string().regex(/^(?:[0-9a-f]{2})+$/)));

/** The contract of `assay tpm info -o json`. */
const Info = z.strictObject({
  schema: z.literal('assay.tpm-info.v1'),
  tpm: z.string(),
  identity: z.strictObject({ manufacturer: z.literal('IBM'), vendor: z.string(), firmware: z.string() }),
  banks: z.array(z.strictObject({ bank: z.string(), pcrs: z.array(z.int()) })),
  curves: z.array(z.string()),
  persistent: z.array(z.string()),
  nvIndices: z.array(z.string()),
  certificates: z.array(z.strictObject({ index: z.string(), use: z.string(), sha256: z.string(), size: z.int() })),
});

/** The contract of `assay tpm quote -o json`. */
const Quote = z.strictObject({
  schema: z.literal('assay.tpm-quote.v1'),
  ek: z.string(),
  ak: z.strictObject({ name: z.string(), scheme: z.string(), hash: z.string(), public: z.string() }),
  message: z.string(),
  signature: z.string(),
  selection: z.array(z.strictObject({ bank: z.enum(['sha1', 'sha256']), pcrs: z.array(z.int()) })),
  pcrs: Pcrs,
  clock: z.string(),
  resetCount: z.literal(1),
  restartCount: z.literal(0),
  safe: z.literal(true),
  files: z.record(z.string(), z.string()),
});

describe('assay tpm, on swtpm', () => {
  let running: RunningSwtpm;
  let address: string;
  before(async () => {
    running = await startSwtpm();
    address = `swtpm:unix:${running.socketPath}`;
  });
  after(() => running.stop());

  const run = (...args: string[]) => assay(['tpm', ...args], { env: { ASSAY_TPM: address } });
  const document = async (...args: string[]) => documentIn(await run(...args, '-o', 'json'));

  /** A tool that fails or is missing (`apt-get install tpm2-tools`) fails the test. */
  async function tool(directory: string, line: string): Promise<string> {
    const [name = '', ...options] = line.split(' ');
    const env = { ...process.env, TPM2TOOLS_TCTI: `swtpm:path=${running.socketPath}`, TSS2_LOG: 'all+NONE' };
    return (await promisify(execFile)(name, options, { cwd: directory, env, timeout: 120_000 })).stdout;
  }

  async function withTpm<R>(use: (tpm: Tpm) => Promise<R>): Promise<R> {
    const tpm = new Tpm(await connectSwtpm(running.socketPath));
    try {
      return await use(tpm);
    } finally {
      await tpm.close();
    }
  }

  test('info says what the TPM is, in both formats', async () => {
    const info = Info.parse(await document('info'));
    assert.ok(info.banks.some(({ bank, pcrs }) => bank === 'sha256' && pcrs.length === 24));
    assert.ok(info.curves.includes('P-256'));
    const { code, stdout, stderr } = await run('info');
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    assert.match(stdout, /^manufacturer +IBM, .*firmware \d+/m);
    assert.ok(!UNSAFE.test(stdout));
  });

  test('pcrs prints what `--pcrs` of other commands reads, and the same as JSON', async (t) => {
    const directory = scratch(t);
    const { stdout } = await run('pcrs', '--pcrs', 'sha256:0-2,10+sha1:17');
    const lines = ['0', '1', '2', '10'].map((pcr) => `sha256:${pcr} ${'00'.repeat(32)}\n`);
    assert.equal(stdout, `${lines.join('')}sha1:17 ${'ff'.repeat(20)}\n`);
    const all = Pcrs.parse((await document('pcrs'))['pcrs']);
    assert.equal(Object.keys(all['sha256'] ?? {}).length, 24);
    await tool(directory, 'tpm2_pcrread -o pcrs.bin sha256:17,18');
    const theirs = readFileSync(join(directory, 'pcrs.bin')).toString('hex');
    assert.equal(`${all['sha256']?.['17']}${all['sha256']?.['18']}`, theirs);
  });

  for (const [ak, ek] of [
    ['ecdsa-p256', 'L-2'],
    ['ecdsa-p384', 'H-3'],
    ['rsassa-2048', 'L-1'],
  ] as const) {
    test(`tpm2_checkquote accepts the files of quote by ${ak} under EK ${ek}, and not for another nonce`, async (t) => {
      const directory = scratch(t);
      const out = join(directory, 'evidence');
      const args = ['quote', '--nonce', NONCE, '--pcrs', 'sha1:3,10+sha256:0-23', '--ak', ak, '--ek', ek, '--out', out];
      const quoted = Quote.parse(await document(...args));
      const hash = quoted.ak.hash;
      const check = `tpm2_checkquote -u ak.pub -m quote.msg -s quote.sig -f quote.pcrs -g ${hash} -q`;
      await tool(out, `${check} ${NONCE}`);
      await assert.rejects(tool(out, `${check} ${'ff'.repeat(32)}`));
      const key = checkAttestationKey(parsePublic(readFileSync(join(out, 'ak.pub'))), nodeCrypto.hasher);
      const pcrValues = new Map(
        quoted.selection.map(({ bank, pcrs }) => [
          bank,
          new Map(pcrs.map((pcr) => [pcr, fromHex(quoted.pcrs[bank]?.[String(pcr)] ?? '')])),
        ]),
      );
      const input = {
        ak: key,
        message: fromBase64(quoted.message),
        signature: readFileSync(join(out, 'quote.sig')),
        extraData: fromHex(NONCE),
        selection: quoted.selection,
        pcrValues,
      };
      assert.equal(verifyQuote(input, nodeCrypto).resetCount, 1);
    });
  }

  test('the file of PCR values is byte for byte that of tpm2_quote', async (t) => {
    const directory = scratch(t);
    await tool(directory, 'tpm2_createek -G ecc -c ek.ctx -u ek.pub');
    await tool(directory, 'tpm2_flushcontext --transient-object');
    await tool(directory, 'tpm2_createak -C ek.ctx -c ak.ctx -G ecc -g sha256 -s ecdsa -u ak.pub -n ak.name');
    await tool(directory, 'tpm2_flushcontext --transient-object');
    await tool(directory, `tpm2_quote -c ak.ctx -l sha1:3,10+sha256:0,5,17 -q ${NONCE} -m q.msg -s q.sig -o q.pcrs`);
    await tool(directory, 'tpm2_flushcontext --transient-object');
    const selection = [
      { bank: 'sha1', pcrs: [3, 10] },
      { bank: 'sha256', pcrs: [0, 5, 17] },
    ] as const;
    const values = await withTpm(async (tpm) => {
      const sha1 = await tpm.readPcrs('sha1', selection[0].pcrs);
      return new Map([
        ['sha1', sha1],
        ['sha256', await tpm.readPcrs('sha256', selection[1].pcrs)],
      ] as const);
    });
    assert.equal(toHex(encodeToolsPcrs(selection, values)), readFileSync(join(directory, 'q.pcrs')).toString('hex'));
  });

  test('a key that is kept in a file quotes again, and is for its owner only', async (t) => {
    const key = join(scratch(t), 'ak.json');
    const args = ['quote', '--nonce', NONCE, '--pcrs', 'sha256:0', '--key', key];
    const first = Quote.parse(await document(...args));
    const again = Quote.parse(await document(...args));
    assert.equal(again.ak.name, first.ak.name);
    assert.equal(statSync(key).mode & 0o777, 0o600);
    const other = Quote.parse(await document('quote', '--nonce', NONCE, '--pcrs', 'sha256:0'));
    assert.notEqual(other.ak.name, first.ak.name);
    writeFileSync(key, '{}');
    await fails(t, args, 'STATE-FORMAT', 3);
  });

  test('what is sealed to PCRs is unsealed until one changes; then the answer is no', async (t) => {
    const directory = scratch(t);
    const secret = randomBytes(48);
    const [input, sealed, output] = ['in', 'sealed.pem', 'out'].map((name) => join(directory, name)) as [
      string,
      string,
      string,
    ];
    writeFileSync(input, secret);
    const made = await document('seal', '--pcrs', 'sha256:0,16', '--in', input, '--out', sealed);
    assert.deepEqual(made, {
      schema: 'assay.tpm-seal.v1',
      file: sealed,
      bytes: 48,
      selection: [{ bank: 'sha256', pcrs: [0, 16] }],
      password: false,
    });
    assert.equal(statSync(sealed).mode & 0o777, 0o600);
    const unsealed = await document('unseal', sealed);
    assert.deepEqual(unsealed, {
      schema: 'assay.tpm-unseal.v1',
      unsealed: true,
      bytes: 48,
      data: secret.toString('base64'),
    });
    await tpm2Unseals(directory, sealed, secret);
    assert.equal((await run('unseal', sealed, '--out', output)).code, 0);
    assert.deepEqual(readFileSync(output), secret);
    assert.equal(statSync(output).mode & 0o777, 0o600);
    await withTpm((tpm) => tpm.extendPcr(16, new Map([['sha256', new Uint8Array(32).fill(1)]])));
    const refused = await run('unseal', sealed);
    assert.deepEqual([refused.code, refused.stdout], [1, '']);
    assert.match(refused.stderr, /^not unsealed: the PCRs do not have.*\nwhat to do Boot what ran when it was sealed/);
    assert.deepEqual(await document('unseal', sealed), {
      schema: 'assay.tpm-unseal.v1',
      unsealed: false,
      reason: 'pcrs',
      message: 'the PCRs do not have the values that it was sealed to',
      remedy:
        'Boot what ran when it was sealed, and unseal there. If the change is to stay, seal another copy to the new values.',
    });
  });

  /** With the storage key that the form of the file means, by tools of others. */
  async function tpm2Unseals(directory: string, sealed: string, secret: Uint8Array): Promise<void> {
    const file = parseSealedFile(readFileSync(sealed, 'latin1'));
    writeFileSync(join(directory, 's.pub'), file.public);
    writeFileSync(join(directory, 's.priv'), file.private);
    const attributes = 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|noda|restricted|decrypt';
    await tool(directory, `tpm2_createprimary -C o -G ecc -g sha256 -a ${attributes} -c p.ctx`);
    await tool(directory, 'tpm2_load -C p.ctx -u s.pub -r s.priv -c s.ctx');
    await tool(directory, 'tpm2_flushcontext --transient-object');
    await tool(directory, 'tpm2_unseal -c s.ctx -p pcr:sha256:0,16 -o theirs');
    await tool(directory, 'tpm2_flushcontext --transient-object');
    assert.deepEqual(readFileSync(join(directory, 'theirs')), secret);
  }

  test('a password is asked for, and a wrong one is no', async (t) => {
    const directory = scratch(t);
    const [input, sealed, pin, wrong] = ['in', 'sealed.pem', 'pin', 'wrong'].map((name) => join(directory, name)) as [
      string,
      string,
      string,
      string,
    ];
    writeFileSync(input, 'secret');
    writeFileSync(pin, 'hunter2\nsecond line\n');
    writeFileSync(wrong, 'hunter3\n');
    assert.equal(
      (await run('seal', '--pcrs', 'sha256:1', '--password-file', pin, '--in', input, '--out', sealed)).code,
      0,
    );
    const good = await run('unseal', sealed, '--password-file', pin);
    assert.deepEqual([good.code, good.stdout], [0, 'secret']);
    const refused = await run('unseal', sealed, '--password-file', wrong);
    assert.deepEqual([refused.code, refused.stdout], [1, '']);
    assert.match(
      refused.stderr,
      /^not unsealed: the password is wrong\nwhat to do Give the one that it was sealed with/,
    );
    await fails(t, ['unseal', sealed], 'USAGE', 2);
  });

  test('another TPM does not unseal', async (t) => {
    const directory = scratch(t);
    const [input, sealed] = [join(directory, 'in'), join(directory, 'sealed.pem')];
    writeFileSync(input, 'secret');
    await run('seal', '--pcrs', 'sha256:1', '--in', input, '--out', sealed);
    const other = await startSwtpm();
    t.after(() => other.stop());
    const { code, stderr } = await assay(['tpm', 'unseal', sealed, '--tpm', `swtpm:${other.socketPath}`]);
    assert.equal(code, 1);
    assert.match(stderr, /another TPM sealed it/);
  });

  async function fails(_t: TestContext, args: readonly string[], code: string, exit: number): Promise<void> {
    await assertFails(['tpm', ...args], { code, exit }, { env: { ASSAY_TPM: address } });
  }

  for (const [what, args, code, exit] of [
    ['a bank that this TPM does not have', ['pcrs', '--pcrs', 'sm3:1'], 'TPM-BANK', 3],
    ['a nonce that is too short', ['quote', '--pcrs', 'sha256:1', '--nonce', '0011'], 'USAGE', 2],
    ['nothing to hold to', ['seal', '--in', '/etc/hostname', '--out', '/nonexistent/x'], 'USAGE', 2],
    ['a sealed file that is none', ['unseal', '/etc/passwd'], 'TPM-STRUCTURE', 3],
    ['a TPM that is no address', ['info', '--tpm', 'usb'], 'USAGE', 2],
    ['a TPM that is not there', ['info', '--tpm', 'swtpm:unix:/nonexistent/tpm'], 'TPM-UNREACHABLE', 4],
  ] as const) {
    test(`${what} is ${code}`, (t) => fails(t, args, code, exit));
  }

  test('nothing at all, and more than a TPM seals, are not sealed, and it says what to do instead', async (t) => {
    const directory = scratch(t);
    const [input, sealed] = [join(directory, 'in'), join(directory, 'sealed.pem')];
    const args = ['seal', '--pcrs', 'sha256:1', '--in', input, '--out', sealed];
    writeFileSync(input, randomBytes(129));
    await fails(t, args, 'USAGE', 2);
    assert.match(
      (await run(...args)).stderr,
      /--in is longer than 128 bytes: encrypt the data with a key, and seal that key/,
    );
    writeFileSync(input, '');
    await fails(t, args, 'USAGE', 2);
    assert.ok(!existsSync(sealed));
  });

  test('nothing stays loaded after all these commands', async () => {
    await withTpm(async (tpm) => {
      for (const first of [0x02000000, 0x03000000, 0x80000000]) {
        assert.deepEqual(await readHandles((each) => tpm.run(each), first), []);
      }
    });
    assert.ok(existsSync(running.socketPath));
  });
});

describe('what --pcrs and --tpm take', () => {
  test('ranges and banks, each PCR once', () => {
    assert.deepEqual(parsePcrSelection('sha256:7,0-2+sha1:10'), [
      { bank: 'sha256', pcrs: [0, 1, 2, 7] },
      { bank: 'sha1', pcrs: [10] },
    ]);
    const wrong = [
      '',
      'sha256',
      'sha256:',
      'md5:0',
      'sha256:24',
      'sha256:5-2',
      'sha256:1,1',
      'sha256:0-3,2',
      'sha256:1,',
    ];
    for (const text of [...wrong, 'sha256:1+sha256:2', 'sha256:1+', 'sha256:-1', ' sha256:1', 'sha256:0x1']) {
      assert.throws(() => parsePcrSelection(text), { name: 'UsageError' }, text);
    }
  });

  test('a device or a socket', () => {
    assert.deepEqual(parseTpmAddress('device'), { kind: 'device', path: '/dev/tpmrm0' });
    assert.deepEqual(parseTpmAddress('device:/dev/tpm0'), { kind: 'device', path: '/dev/tpm0' });
    assert.deepEqual(parseTpmAddress('swtpm:/run/tpm'), { kind: 'swtpm', socket: '/run/tpm' });
    assert.deepEqual(parseTpmAddress('swtpm:unix:/run/a:b'), { kind: 'swtpm', socket: '/run/a:b' });
    const tcp = { kind: 'swtpm', socket: { host: '127.0.0.1', port: 2321 } };
    assert.deepEqual(parseTpmAddress('swtpm:tcp:127.0.0.1:2321'), tcp);
    assert.deepEqual(parseTpmAddress('swtpm:tcp:[::1]:1'), { kind: 'swtpm', socket: { host: '::1', port: 1 } });
    for (const text of [
      '',
      'swtpm',
      'swtpm:',
      'swtpm:unix:',
      'usb',
      'swtpm:tcp:h',
      'swtpm:tcp:h:0',
      'swtpm:tcp:h:65536',
    ]) {
      assert.equal(parseTpmAddress(text), undefined, text);
    }
  });
});
