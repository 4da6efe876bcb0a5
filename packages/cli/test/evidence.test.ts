import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { toBase64, toHex, utf8 } from '@assay/core/bytes';
import { SimulatedHost, simulatedEventLog } from '@assay/testkit/evidence';
import type { Challenge, EvidenceBundle } from '@assay/wire';
import { z } from 'zod';
import { assay, type Ended } from './assay.ts';

const LOG = simulatedEventLog({ secureBoot: 'on', commandLine: '/vmlinuz ro' });
const CHALLENGE: Challenge = {
  session: 'a session',
  nonce: toHex(new Uint8Array(32).fill(7)),
  expiresAt: '2026-11-22T00:00:00Z',
  selection: { bank: 'sha256', pcrs: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15] },
  list: { fromEntry: 1, fromOffset: 0 },
  eventLog: true,
};

/** What a host answers that sends this as its log, as a verifier hands it out. */
async function bundle(log: Uint8Array): Promise<EvidenceBundle> {
  const host = await SimulatedHost.boot({ name: 'web-03', eventLog: LOG });
  const { ekPublic, akPublic } = await host.enrolRequest();
  const { session, facts, quote, pcrs, list } = await host.evidence(CHALLENGE, log);
  return {
    schema: 'assay.evidence-bundle.v1',
    host: { id: '0123456789abcdef', name: 'web-03' },
    receivedAt: '2026-11-22T00:00:00Z',
    ekPublic,
    akPublic,
    ekCertificates: [],
    session,
    nonce: CHALLENGE.nonce,
    facts,
    quote,
    pcrs,
    list: { bank: 'sha256', entries: list.entries },
    eventLog: toBase64(log),
    bound: 'event-log',
  };
}

const Answer = z.object({ verified: z.boolean(), code: z.string(), message: z.string() }).partial();

async function verified(t: TestContext, document: unknown): Promise<Ended & { answer: z.infer<typeof Answer> }> {
  const directory = mkdtempSync(join(tmpdir(), 'assay-evidence-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const file = join(directory, 'web-03.evidence.json');
  writeFileSync(file, JSON.stringify(document));
  const ended = await assay(['evidence', 'verify', file, '-o', 'json']);
  return { ...ended, answer: ended.stdout === '' ? {} : Answer.parse(JSON.parse(ended.stdout)) };
}

test('evidence with the boot event log of its boot verifies', async (t) => {
  const { code, answer } = await verified(t, await bundle(LOG));
  assert.deepEqual([code, answer.verified], [0, true]);
});

test('a boot event log that cannot be read, or is of another boot, is refused as the answer of the host', async (t) => {
  const other = simulatedEventLog({ secureBoot: 'off', commandLine: '/vmlinuz ro' });
  for (const [log, message] of [
    [utf8('no event log'), /cannot be read/],
    [LOG.subarray(0, LOG.length - 3), /cannot be read/],
    [other, /does not lead to the quoted value of PCR 7/],
  ] as const) {
    const { code, answer } = await verified(t, await bundle(log));
    assert.deepEqual([code, answer.verified, answer.code], [1, false, 'BOOT-EVENTLOG']);
    assert.match(answer.message ?? '', message);
  }
});

test('a file that is no bundle is none, whatever a host sent', async (t) => {
  const { code, stderr } = await verified(t, { ...(await bundle(LOG)), schema: 'another' });
  assert.equal(code, 3, stderr);
  assert.match(stderr, /INPUT-FILE/);
});
