import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { capture, detailOf, directory, service, Watched, type Machine } from './bench.ts';

/** What the agent does, whatever TPM the machine has. */
export function agentBehaviour(tpm: string, boot: (t: TestContext) => Promise<Machine>, skip: string | false): void {
  describe(`the agent of a machine with a ${tpm}`, { skip }, () => {
    test('enrols, attests, and keeps its key where only its user reads it', async (t) => {
      const verifier = await service(t);
      const statePath = join(directory(t), 'state', 'agent.json');
      const machine = await boot(t);
      await machine.run('/usr/bin/a');
      const watched = new Watched(t, machine, { verifierUrl: verifier.url, statePath });
      const reply = await watched.attested(2);
      assert.deepEqual([reply.verdict, reply.errors], ['unverified', []]);
      assert.deepEqual(watched.names().slice(0, 3), ['enrolling', 'attesting', 'attested']);
      assert.deepEqual((await detailOf(verifier)).list, { source: 'simulated', entries: 2, violations: 0 });
      assert.equal(statSync(statePath).mode & 0o777, 0o600);
      assert.equal(statSync(join(statePath, '..')).mode & 0o777, 0o700);
    });

    test('pushes when the list grows, not when the heartbeat is due', async (t) => {
      const verifier = await service(t);
      const machine = await boot(t);
      const watched = new Watched(t, machine, {
        verifierUrl: verifier.url,
        statePath: join(directory(t), 'agent.json'),
      });
      await watched.attested(1);
      await capture(verifier);
      for (let entries = 2; entries <= 4; entries++) {
        await machine.run(`/tmp/x${entries}`);
        assert.equal((await watched.attested(entries)).verdict, 'failed');
      }
      assert.equal((await watched.attested(1)).heartbeatSeconds, 3600);
      const nonces = watched.replies().map(({ challenge }) => challenge.nonce);
      assert.equal(new Set(nonces).size, nonces.length, 'each question is another');
    });

    test('attests an entry that stood in the list before the PCR held it, without a red verdict', async (t) => {
      const verifier = await service(t);
      const machine = await boot(t);
      const watched = new Watched(t, machine, {
        verifierUrl: verifier.url,
        statePath: join(directory(t), 'agent.json'),
      });
      await watched.attested(1);
      const entry = machine.append('/usr/bin/a');
      machine.list.announce();
      const early = await watched.until('attested', (phase) => (phase.phase === 'attested' ? phase.reply : undefined));
      assert.deepEqual([early.verified, early.challenge.list.fromEntry], [true, 2]);
      await machine.extend(entry);
      machine.list.announce();
      await watched.attested(2);
      assert.ok(watched.replies().every(({ verified }) => verified));
    });

    test('attests a busy machine, whose PCR changes all the time', async (t) => {
      const verifier = await service(t);
      const machine = await boot(t);
      const watched = new Watched(t, machine, {
        verifierUrl: verifier.url,
        statePath: join(directory(t), 'agent.json'),
      });
      for (let i = 0; i < 60; i++) await machine.run(`/usr/bin/${i}`);
      await watched.attested(61);
      assert.ok(watched.replies().every(({ verified }) => verified));
    });

    test('goes on after its own restart without enrolling again', async (t) => {
      const verifier = await service(t);
      const statePath = join(directory(t), 'agent.json');
      const machine = await boot(t);
      const first = new Watched(t, machine, { verifierUrl: verifier.url, statePath });
      await first.attested(1);
      await first.agent.stop();
      await machine.run('/usr/bin/a');
      const second = new Watched(t, machine, { verifierUrl: verifier.url, statePath });
      await second.attested(2);
      assert.deepEqual([second.names()[0], second.names().includes('enrolling')], ['attesting', false]);
      assert.equal(second.replies().length, 1);
    });

    for (const [name, later] of [
      ['shorter', []],
      ['longer', ['/usr/bin/x', '/usr/bin/y', '/usr/bin/z', '/usr/bin/zz']],
    ] as const) {
      test(`sends the whole list after a reboot, ${name} than the old one, without a red verdict`, async (t) => {
        const verifier = await service(t);
        const statePath = join(directory(t), 'agent.json');
        const before = await boot(t);
        await before.run('/usr/bin/a', '/usr/bin/b');
        const first = new Watched(t, before, { verifierUrl: verifier.url, statePath });
        await first.attested(3);
        await first.agent.stop();
        const { boot: old } = await detailOf(verifier);

        const after = await before.reboot();
        await after.run(...later);
        const second = new Watched(t, after, { verifierUrl: verifier.url, statePath });
        await second.until(
          'attested',
          (phase) => (phase.phase === 'attested' && phase.reply.verified ? phase : undefined),
          0,
        );
        const now = await detailOf(verifier);
        assert.equal(now.list.entries, 1 + later.length);
        assert.equal(now.boot?.resetCount, Number(old?.resetCount) + 1);
        assert.ok(!second.names().includes('enrolling'));
        assert.deepEqual(new Set(second.replies().map(({ verdict }) => verdict)), new Set(['unverified']));
      });
    }

    test('sends the last entries when it is stopped', async (t) => {
      const verifier = await service(t);
      const machine = await boot(t);
      const watched = new Watched(t, machine, {
        verifierUrl: verifier.url,
        statePath: join(directory(t), 'agent.json'),
      });
      await watched.attested(1);
      await machine.extend(machine.append('/usr/bin/last'));
      await watched.agent.stop();
      assert.equal((await detailOf(verifier)).list.entries, 2);
    });

    test('leaves nothing loaded in the TPM, however many rounds, errors and enrolments there were', async (t) => {
      const store = `sqlite:${join(directory(t), 'verifier.db')}`;
      const verifier = await service(t, { store });
      const machine = await boot(t);
      const free = await machine.freeSlots();
      const statePath = join(directory(t), 'agent.json');
      const watched = new Watched(t, machine, { verifierUrl: verifier.url, statePath });
      for (let entries = 2; entries <= 12; entries++) {
        await machine.run(`/usr/bin/${entries}`);
        await watched.attested(entries);
      }
      await verifier.close();
      await machine.run('/usr/bin/x');
      for (let errors = 0; errors < 3; errors++) await watched.retrying();
      await service(t, { port: verifier.port });
      await watched.until('enrolled again', ({ phase }) => (phase === 'attested' ? true : undefined));
      await watched.agent.stop();
      assert.equal(await machine.freeSlots(), free);
    });
  });
}
