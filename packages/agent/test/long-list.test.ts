import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { MeasurementSource } from '@assay/linux/ima';
import type { Verifier } from '@assay/verifier';
import { detailOf, directory, Machine, service, Watched } from './bench.ts';

/** ASSAY_TEST_LIST_ENTRIES=1000000 tries a list of a size that no machine has, in parts of 4 MiB. */
const ENTRIES = Number(process.env['ASSAY_TEST_LIST_ENTRIES'] ?? 500);
const TAIL_BYTES = ENTRIES > 100_000 ? 4 * 1024 * 1024 : 4096;

async function machineWith(t: TestContext, entries: number): Promise<Machine> {
  const machine = await Machine.simulated(t);
  for (let entry = 1; entry < entries; entry++) await machine.extend(machine.append(`/usr/lib/library-${entry}.so`));
  return machine;
}

/** A list that counts the bytes that are read of it at once. */
function counted(list: MeasurementSource): { readonly source: MeasurementSource; most: number } {
  const counter = {
    most: 0,
    source: {
      bank: list.bank,
      start: () => list.start(),
      watch: (changed: () => void) => list.watch(changed),
      read: async (fromOffset: number, most?: number) => {
        const bytes = await list.read(fromOffset, most);
        counter.most = Math.max(counter.most, bytes.length);
        return bytes;
      },
    },
  };
  return counter;
}

function watch(t: TestContext, machine: Machine, verifier: Pick<Verifier, 'url'>, source: MeasurementSource): Watched {
  const statePath = join(directory(t), 'agent.json');
  return new Watched(t, machine, { verifierUrl: verifier.url, statePath, source, tailBytes: TAIL_BYTES });
}

test(`a list of ${ENTRIES} entries is attested in parts, of which the agent holds one at a time`, async (t) => {
  const verifier = await service(t);
  const machine = await machineWith(t, ENTRIES);
  assert.ok(machine.list.bytes().length > TAIL_BYTES);
  const counter = counted(machine.list);
  const watched = watch(t, machine, verifier, counter.source);
  const reply = await watched.attested(ENTRIES);
  assert.equal(reply.verdict, 'unverified');
  assert.ok(counter.most <= TAIL_BYTES + 1, `${counter.most} bytes were read at once`);
  assert.equal((await detailOf(verifier)).list.entries, ENTRIES);
  await machine.run('/usr/bin/more');
  await watched.attested(ENTRIES + 1);
  assert.ok(watched.replies().every(({ verified }) => verified));
});

test('after a reboot a long list begins again, whatever of the list before is known', async (t) => {
  const verifier = await service(t);
  const machine = await machineWith(t, 60);
  const statePath = join(directory(t), 'agent.json');
  const options = { verifierUrl: verifier.url, statePath, tailBytes: 1024 };
  const before = new Watched(t, machine, options);
  await before.attested(60);
  await before.agent.stop();
  const rebooted = await machine.reboot();
  for (let entry = 1; entry < 200; entry++) await rebooted.extend(rebooted.append(`/opt/another-${entry}`));
  const after = new Watched(t, rebooted, options);
  await after.attested(200);
  assert.ok(after.replies().every(({ errors }) => errors.every(({ code }) => code === 'IMA-LOG-GAP')));
  assert.equal((await detailOf(verifier)).list.entries, 200);
});
