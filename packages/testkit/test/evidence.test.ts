import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toHex } from '@assay/core/bytes';
import { emptyPcr, parseBinaryList, replay } from '@assay/core/measurement';
import { nodeHasher } from '@assay/core/node';
import { SimulatedHost, SimulatedList } from '@assay/testkit/evidence';

const DIGEST = new Uint8Array(32).fill(7);

test('a simulated list is read back as it was measured, from any of its entries', () => {
  const list = new SimulatedList('sha1');
  list.begin(DIGEST);
  list.measure('/usr/bin/true', DIGEST);
  list.violate('/var/log/messages');
  const firstOffset = list.offsetOf(2);
  const { entries, consumed } = parseBinaryList(list.bytes(2), { bank: 'sha1', firstEntry: 2, firstOffset });
  assert.deepEqual(
    entries.map(({ number, offset, violation }) => [number, offset, violation]),
    [
      [2, firstOffset, false],
      [3, list.offsetOf(3), true],
    ],
  );
  assert.equal(firstOffset + consumed, list.bytes().length);
  assert.equal(list.offsetOf(4), list.bytes().length);
});

test('watchers of a simulated list hear of entries when they are announced, until they stop', async () => {
  const list = new SimulatedList();
  let heard = 0;
  const stop = list.watch(() => heard++);
  const offset = list.bytes().length;
  list.measure('/usr/bin/true', DIGEST);
  assert.equal(heard, 0);
  list.announce();
  assert.deepEqual(await list.read(offset), list.bytes());
  stop();
  list.announce();
  assert.equal(heard, 1);
});

test('the list of a simulated host replays to PCR 10 of its TPM, in every boot', async () => {
  let host = await SimulatedHost.boot({ name: 'web-03' });
  const { ekPublic, akPublic } = await host.enrolRequest();
  for (let boot = 1; boot <= 2; boot++) {
    await host.execute('/usr/bin/true', 'true');
    await host.extend(host.list.violate('/var/log/messages'));
    const { entries } = parseBinaryList(host.list.bytes(), { bank: 'sha256' });
    const start = { bank: 'sha256', pcr: 10, value: emptyPcr('sha256') } as const;
    const pcrs = await host.tpm.readPcrs('sha256', [10]);
    assert.equal(toHex(replay(nodeHasher, start, entries).value), toHex(pcrs.get(10) ?? new Uint8Array(0)));
    host = await host.reboot();
    assert.deepEqual(await host.enrolRequest(), { ...(await host.enrolRequest()), ekPublic, akPublic });
  }
});
