import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { toHex } from '@assay/core/bytes';
import {
  comparePcrs,
  firstDifference,
  parseEventLog,
  replayableBanks,
  replayEventLog,
  type PcrExpectation,
} from '@assay/core/eventlog';
import { nodeHasher } from '@assay/core/node';
import { expectationOf, OTHERS, othersLog, othersLogs, othersMissing, ours } from './eventlog-vectors.ts';

describe('the log of our guest', () => {
  const { bytes, pcrs } = ours();
  const log = parseEventLog(bytes);

  test('is crypto-agile with four banks, read to its last byte', () => {
    assert.equal(log.format, 'crypto-agile');
    assert.deepEqual(log.banks, ['sha1', 'sha256', 'sha384', 'sha512']);
    assert.equal(log.padding, 0);
    const last = log.events.at(-1);
    assert.ok(last !== undefined && last.data.byteOffset + last.data.length === bytes.byteOffset + bytes.length);
  });

  test('leads to PCR 0 to 9 of the TPM in every bank, and does not speak for those that the kernel extends', () => {
    const states = comparePcrs(nodeHasher, log, pcrs).map(({ bank, pcr, state }) => ({ bank, pcr, state }));
    assert.equal(states.length, 48);
    for (const { bank, pcr, state } of states) {
      assert.equal(state, pcr < 10 ? 'matches' : 'not-in-log', `${bank}:${pcr}`);
    }
  });

  test('names the first PCR that differs when a record is removed', () => {
    const without = { ...log, events: log.events.filter(({ pcr }) => pcr !== 4) };
    const compared = comparePcrs(nodeHasher, without, pcrs);
    assert.equal(firstDifference(compared)?.pcr, 4);
  });
});

function expectationsOfYaml(text: string): PcrExpectation[] {
  const [, pcrs = ''] = text.split('\npcrs:');
  let bank = '';
  return pcrs.split('\n').flatMap((line) => {
    bank = /^ {2}(sha\d+):$/.exec(line)?.[1] ?? bank;
    const [, pcr = '', hex = ''] = /^ +(\d+) *: 0x([0-9a-f]+)$/.exec(line) ?? [];
    return hex === '' ? [] : [expectationOf(/^(\w+):(\d+) (\w+)$/.exec(`${bank}:${pcr} ${hex}`))];
  });
}

/** What the yaml of tpm2-tools and the json beside go-eventlog say a log leads to. */
function expectedOf(name: string): PcrExpectation[] {
  if (name.startsWith('tpm2-tools/')) {
    const file = name.slice('tpm2-tools/'.length);
    const yaml = [`event-pretty/${file}.yaml`, `${file}.yaml`].map((path) => join(OTHERS, 'tpm2-tools', path));
    const found = yaml.find((path) => existsSync(path));
    return found === undefined ? [] : expectationsOfYaml(readFileSync(found, 'utf8'));
  }
  const all = JSON.parse(readFileSync(join(OTHERS, 'expected-pcrs.json'), 'utf8')) as Record<
    string,
    Record<string, Record<string, string>>
  >;
  const banks = all[name.replace(/^go-eventlog\/|\.bin$/g, '')] ?? {};
  return Object.entries(banks).flatMap(([bank, values]) =>
    Object.entries(values).map(([pcr, hex]) =>
      expectationOf(/^(\w+):(\d+) (\w+)$/.exec(`${bank.toLowerCase()}:${pcr} ${hex}`)),
    ),
  );
}

/** Made by hand: the size of its first record leaves out the vendor information. It has no PCR values. */
const VENDOR_OUTSIDE = 'tpm2-tools/specid-vendordata.bin';

describe('logs of other projects', { skip: othersMissing }, () => {
  for (const name of othersLogs().filter((one) => one !== VENDOR_OUTSIDE)) {
    test(`${name} leads to every PCR value beside it`, () => {
      const log = othersLog(name);
      const expected = expectedOf(name);
      const replays = new Map(replayableBanks(log).map((bank) => [bank, replayEventLog(nodeHasher, log, bank)]));
      assert.ok(expected.length > 0);
      for (const { bank, pcr, value } of expected) {
        assert.equal(toHex(replays.get(bank)?.get(pcr) ?? new Uint8Array()), toHex(value), `${bank}:${pcr}`);
      }
    });
  }

  test('vendor information outside the size of its record is refused', () => {
    assert.throws(() => othersLog(VENDOR_OUTSIDE), { name: 'FormatError', code: 'BYTES-TRUNCATED' });
  });

  test('a bank of which a record lacks the digest is not replayed', () => {
    assert.deepEqual(replayableBanks(othersLog('tpm2-tools/event-uefiaction.bin')), ['sha1', 'sha256']);
  });
});
