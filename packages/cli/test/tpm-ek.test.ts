import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { manufactureSwtpm, startSwtpm, type ManufacturedSwtpm, type RunningSwtpm } from '@assay/testkit/swtpm';
import { z } from 'zod';
import { assay, assertFails, documentIn, scratch, type Ended } from './assay.ts';

const Key = z.strictObject({
  template: z.string(),
  index: z.string().regex(/^0x01c000[0-9a-f]{2}$/),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});
/** The contract of `assay tpm ek -o json`. */
const Answer = z.strictObject({
  schema: z.literal('assay.tpm-ek.v1'),
  tpm: z.string(),
  keys: z.array(
    z.union([
      Key.extend({
        verified: z.literal(true),
        maker: z.strictObject({ manufacturer: z.string(), model: z.string(), version: z.string() }),
        path: z.array(z.string()),
      }),
      Key.extend({ verified: z.literal(false), code: z.string(), message: z.string(), remedy: z.string() }),
    ]),
  ),
});

describe('assay tpm ek, on a swtpm with certificates of a maker of its own', () => {
  let directory: string;
  let made: ManufacturedSwtpm;
  let running: RunningSwtpm;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'assay-made-'));
    made = await manufactureSwtpm(directory);
    running = await startSwtpm(made.state);
  });
  after(async () => {
    await running.stop();
    await rm(directory, { recursive: true, force: true });
  });

  const ek = (...args: string[]): Promise<Ended> =>
    assay(['tpm', 'ek', ...args], { env: { ASSAY_TPM: `swtpm:unix:${running.socketPath}` } });

  test('refuses keys whose maker is not trusted', async () => {
    const ended = await ek('-o', 'json');
    const { keys } = Answer.parse(documentIn(ended));
    assert.deepEqual(
      keys.map(({ template, verified }) => [template, verified]),
      [
        ['L-1', false],
        ['H-3', false],
      ],
    );
    assert.ok(keys.every((key) => !key.verified && key.code === 'CERT-CHAIN'));
    assert.equal(ended.code, 1);
    assert.match(
      (await ek()).stdout,
      /^refused {2}EK L-1 \(certificate 0x01c00002\): CERT-CHAIN: .* neither trusted nor given\nwhat to do /,
    );
  });

  for (const [name, roots] of [
    ['the authority itself', () => made.authority],
    ['the root of another, while the authority between them is missing', () => made.root],
  ] as const) {
    test(`answers by whom it trusts: ${name}`, async () => {
      const ended = await ek('--roots', roots(), '-o', 'json');
      const { keys } = Answer.parse(documentIn(ended));
      const trusted = roots() === made.authority;
      assert.equal(ended.code, trusted ? 0 : 1);
      for (const key of keys) {
        assert.equal(key.verified, trusted);
        if (key.verified) assert.deepEqual(key.path, ['CN=swtpm-localca']);
      }
    });
  }

  test('names the maker in words', async () => {
    const { code, stdout } = await ek('--roots', made.authority);
    assert.equal(code, 0);
    assert.match(
      stdout,
      /^verified EK L-1 \(certificate 0x01c00002\) is of a TPM id:00001014 swtpm: CN=swtpm-localca\n/,
    );
  });

  test('takes only authorities in PEM', async (t) => {
    const empty = join(scratch(t), 'roots.pem');
    writeFileSync(empty, '# none yet\n');
    const line = ['tpm', 'ek', '--tpm', `swtpm:unix:${running.socketPath}`, '--roots'];
    await assertFails([...line, empty], { exit: 3, code: 'PEM-FORM' });
    await assertFails([...line, '/nonexistent'], { exit: 3, code: 'ENOENT' });
  });
});

test('assay tpm ek says so where a TPM has no certificate', async (t) => {
  const running = await startSwtpm();
  t.after(() => running.stop());
  const { code, stdout } = await assay(['tpm', 'ek', '--tpm', `swtpm:unix:${running.socketPath}`]);
  assert.equal(code, 1);
  assert.match(stdout, /^This TPM has no endorsement certificate/);
});
