import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ByteWriter, toHex, utf8 } from '@assay/core/bytes';
import { parseEventLog, replayEventLog } from '@assay/core/eventlog';
import { nodeHasher } from '@assay/core/node';
import { agileLog } from '@assay/testkit/forge';
import { z } from 'zod';
import { assay, assertFails, documentIn, ROOT, scratch, UNSAFE } from './assay.ts';

const VECTORS = `${ROOT}packages/core/test/vectors/eventlog`;
const LOG = `${VECTORS}/eventlog.bin`;
const PCRS = `${VECTORS}/pcrs.txt`;

const SecureBoot = z.strictObject({
  state: z.enum(['on', 'off', 'unknown']),
  reasons: z.array(z.string()),
  variable: z.enum(['on', 'off', 'empty', 'absent']),
  notes: z.array(z.string()),
  authorities: z.strictObject({ before: z.array(z.string()), after: z.array(z.string()) }),
  revoked: z.int(),
});
const CommandLine = z.strictObject({ state: z.literal('unknown'), reason: z.literal('no command line is logged') });
const BootAggregate = z.array(z.strictObject({ bank: z.string(), lastPcr: z.int(), digest: z.string() }));

/** The contract of `assay eventlog verify -o json`. */
const Verified = z.strictObject({
  schema: z.literal('assay.eventlog-verify.v1'),
  file: z.literal(LOG),
  format: z.literal('crypto-agile'),
  banks: z.array(z.string()),
  replayable: z.array(z.string()),
  bank: z.string(),
  startupLocality: z.literal(0),
  events: z.literal(15),
  pcrs: z.array(
    z.strictObject({
      bank: z.string(),
      pcr: z.int(),
      value: z.string().optional(),
      expected: z.string().optional(),
      state: z.enum(['matches', 'differs', 'not-in-log']).optional(),
      matched: z.boolean().optional(),
    }),
  ),
  firstDifference: z.strictObject({ bank: z.string(), pcr: z.int() }).optional(),
  secureBoot: SecureBoot.extend({ proved: z.boolean() }),
  commandLine: CommandLine,
  bootAggregate: BootAggregate,
  problems: z.array(z.never()),
});

async function verified(...args: string[]): Promise<{ code: number | null; document: z.infer<typeof Verified> }> {
  const ended = await assay(['eventlog', 'verify', LOG, ...args, '-o', 'json']);
  assert.equal(ended.stderr, '');
  return { code: ended.code, document: Verified.parse(documentIn(ended)) };
}

/** The TPM's value, as `--pcr` takes it. */
function pcrOf(bank: string, pcr: number): string {
  const line = readFileSync(PCRS, 'latin1')
    .split('\n')
    .find((text) => text.startsWith(`${bank}:${pcr} `));
  assert.ok(line !== undefined);
  return line.toLowerCase().replace(' ', '=');
}

test('eventlog verify: the log of the guest leads to the PCRs of its TPM, but those of the kernel', async () => {
  const { code, document } = await verified('--pcrs', PCRS);
  assert.equal(code, 0);
  assert.equal(document.pcrs.length, 48);
  for (const { pcr, state } of document.pcrs) assert.equal(state, pcr < 10 ? 'matches' : 'not-in-log');
  assert.equal(document.secureBoot.proved, true);
  assert.equal(document.bootAggregate.length, 8);
  const text = await assay(['eventlog', 'verify', LOG, '--pcrs', PCRS]);
  assert.deepEqual({ code: text.code, stderr: text.stderr }, { code: 0, stderr: '' });
  assert.equal(text.stdout.match(/ matches\n/g)?.length, 4 * 8);
  assert.match(text.stdout, /sha256:10 .* not in this log\n/);
});

test('eventlog verify: --bank takes the values of that bank alone', async () => {
  const { code, document } = await verified('--pcrs', PCRS, '--bank', 'sha384');
  assert.equal(code, 0);
  assert.deepEqual(new Set(document.pcrs.map(({ bank }) => bank)), new Set(['sha384']));
});

test('eventlog verify: without values it shows what the log leads to, and proves nothing of Secure Boot', async () => {
  const { code, document } = await verified();
  assert.equal(code, 0);
  assert.equal(document.pcrs.length, 32);
  assert.ok(document.pcrs.every(({ matched, value }) => matched === undefined && value !== undefined));
  assert.equal(document.secureBoot.proved, false);
});

test('eventlog verify: a value that the log does not lead to is named, exit code 1', async () => {
  const wrong = pcrOf('sha256', 4).replace(/.$/, (digit) => (digit === '0' ? '1' : '0'));
  const zeros = `sha256:5=${'0'.repeat(64)}`;
  const { code, document } = await verified('--pcr', zeros, '--pcr', wrong, '--pcr', pcrOf('sha256', 7));
  assert.equal(code, 1);
  assert.deepEqual(document.firstDifference, { bank: 'sha256', pcr: 4 });
  const text = await assay(['eventlog', 'verify', LOG, '--pcr', wrong]);
  assert.equal(text.code, 1);
  assert.match(text.stdout, /sha256:4 .* does not match .*\nThe first PCR that differs is 4 \(sha256\)\n/s);
});

test('eventlog verify: a PCR that the log does not speak for is no match, exit code 1', async (t) => {
  const asked = await verified('--pcr', pcrOf('sha256', 10));
  assert.equal(asked.code, 1);
  const others = `${scratch(t)}/pcrs.txt`;
  writeFileSync(others, `${pcrOf('sha256', 10).replace('=', ' ')}\n`);
  assert.equal((await verified('--pcrs', others)).code, 1);
});

test('eventlog show: every event, what its digest is of, and Secure Boot', async () => {
  const text = await assay(['eventlog', 'show', LOG]);
  assert.deepEqual({ code: text.code, stderr: text.stderr }, { code: 0, stderr: '' });
  assert.match(text.stdout, /^crypto-agile log, 15 events, banks sha1, sha256, sha384, sha512\n/);
  assert.match(text.stdout, /\nSecure Boot by PCR 7: unknown\n/);
  const Shown = z.strictObject({
    schema: z.literal('assay.eventlog.v1'),
    file: z.literal(LOG),
    format: z.literal('crypto-agile'),
    banks: z.array(z.string()),
    bank: z.literal('sha512'),
    startupLocality: z.literal(0),
    padding: z.literal(0),
    secureBoot: SecureBoot,
    commandLine: CommandLine,
    bootAggregate: BootAggregate,
    events: z.array(
      z.strictObject({
        event: z.int(),
        offset: z.int(),
        pcr: z.int(),
        type: z.string(),
        digests: z.record(z.string(), z.string()),
        covers: z.enum(['all', 'part', 'nothing', 'unmeasured', 'contradicted']),
        quirk: z.string().optional(),
        data: z.looseObject({ kind: z.string() }),
      }),
    ),
  });
  const { events } = Shown.parse(documentIn(await assay(['eventlog', 'show', LOG, '-o', 'json'])));
  assert.deepEqual(
    events.map(({ event }) => event),
    Array.from({ length: 15 }, (_, index) => index + 1),
  );
});

test('eventlog: hostile texts reach neither terminal nor JSON raw', async (t) => {
  const hostile = utf8('grub_cmd: \u001b[2J\u202e\n\u009b31m\0');
  const writer = new ByteWriter({ littleEndian: true });
  for (const data of [hostile, utf8('kernel_cmdline: \u001b]0;title\u0007\0')]) {
    writer.u32(8).u32(0xd).bytes(nodeHasher.digest('sha1', data)).u32(data.length).bytes(data);
  }
  const path = `${scratch(t)}/\u001b[31m\u202elog`;
  writeFileSync(path, writer.finish());
  for (const verb of ['show', 'verify']) {
    for (const format of ['text', 'json']) {
      const { code, stdout, stderr } = await assay(['eventlog', verb, path, '-o', format]);
      assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
      assert.ok(!UNSAFE.test(stdout), JSON.stringify(stdout));
    }
  }
});

for (const verb of ['show', 'verify']) {
  test(`eventlog ${verb}: a log that is cut off, empty or no file cannot be read, exit code 3`, async (t) => {
    const cut = `${scratch(t)}/cut`;
    writeFileSync(cut, readFileSync(LOG).subarray(0, -1));
    await assertFails(['eventlog', verb, cut], { code: 'BYTES-TRUNCATED', exit: 3 });
    await assertFails(['eventlog', verb, '/dev/null'], { code: 'INPUT-FILE', exit: 3 });
    await assertFails(['eventlog', verb, '/nowhere/log'], { code: 'ENOENT', exit: 3 });
    writeFileSync(cut, '');
    await assertFails(['eventlog', verb, cut], { code: 'BYTES-TRUNCATED', exit: 3 });
  });
}

test('eventlog show: a bank that the log does not have is wrong usage', async (t) => {
  const path = `${scratch(t)}/old`;
  const record = new ByteWriter({ littleEndian: true }).u32(0).u32(8).bytes(new Uint8Array(20)).u32(1).u8(1);
  writeFileSync(path, record.finish());
  await assertFails(['eventlog', 'show', path, '--bank', 'sha256'], { code: 'USAGE', exit: 2 });
});

test('eventlog show and verify tell the command line that GRUB measured, escaped, and whether its PCR was compared', async (t) => {
  const line = utf8('kernel_cmdline: /vmlinuz ro\u001b[2J\0');
  const events = [{ pcr: 8, type: 0xd, data: line, hashed: line.subarray('kernel_cmdline: '.length, -1) }];
  const bytes = agileLog(events);
  const file = join(scratch(t), 'log');
  writeFileSync(file, bytes);
  const escaped = String.raw`/vmlinuz ro\x1b[2J`;
  const said = `\nKernel command line by PCR 8: ${escaped}\n`;
  assert.ok((await assay(['eventlog', 'show', file])).stdout.includes(said));
  const plain = await assay(['eventlog', 'verify', file]);
  assert.ok(plain.stdout.endsWith(`${said}  PCR 8 was not compared or does not match: not proved\n`));
  const value = toHex(replayEventLog(nodeHasher, parseEventLog(bytes), 'sha256').get(8) ?? new Uint8Array());
  const compared = ['eventlog', 'verify', file, '--pcr', `sha256:8=${value}`];
  assert.ok((await assay(compared)).stdout.endsWith(said));
  const { commandLine } = documentIn(await assay([...compared, '-o', 'json']));
  assert.deepEqual(commandLine, { state: 'measured', text: escaped, pcr: 8, event: 2, proved: true });
});
