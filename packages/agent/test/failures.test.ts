import assert from 'node:assert/strict';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { SystemError } from '@assay/core/errors';
import { startVerifier, type Verifier } from '@assay/verifier';
import { z } from 'zod';
import { route, ROUTES } from '@assay/wire';
import { capture, detailOf, directory, Machine, service, TOKENS, Watched } from './bench.ts';

interface Running {
  readonly verifier: Verifier;
  readonly machine: Machine;
  readonly statePath: string;
  readonly store: string;
  readonly watched: Watched;
}

/** An agent after its first evidence. */
async function running(t: TestContext): Promise<Running> {
  const store = `sqlite:${join(directory(t), 'verifier.db')}`;
  const statePath = join(directory(t), 'agent.json');
  const verifier = await service(t, { store });
  const machine = await Machine.simulated(t);
  const watched = new Watched(t, machine, { verifierUrl: verifier.url, statePath });
  await watched.attested(1);
  return { verifier, machine, statePath, store, watched };
}

const State = z.looseObject({
  ak: z.object({ public: z.string(), private: z.string() }),
  enrolment: z.object({ hostId: z.string(), token: z.string() }).nullable(),
});

function stateIn(path: string): z.infer<typeof State> {
  return State.parse(JSON.parse(readFileSync(path, 'utf8')));
}

function codeOf(error: Error): string {
  return error instanceof SystemError ? error.code : error.message;
}

describe('the agent, when the verifier', () => {
  test('is not there at the start, says so, tries again, and attests when it comes', async (t) => {
    const tokens = { operator: 'o'.repeat(32), join: 'j'.repeat(32) };
    const store = `sqlite:${join(directory(t), 'verifier.db')}`;
    const absent = await startVerifier({ store, port: 0, tokens });
    await absent.close();
    const machine = await Machine.simulated(t);
    const statePath = join(directory(t), 'agent.json');
    const watched = new Watched(t, machine, { verifierUrl: absent.url, statePath });
    assert.equal(codeOf(await watched.retrying()), 'VERIFIER-UNREACHABLE');
    assert.equal(codeOf(await watched.retrying()), 'VERIFIER-UNREACHABLE');
    await service(t, { store, port: absent.port });
    await watched.attested(1);
  });

  test('restarts, goes on with the same enrolment and the list from where it was', async (t) => {
    const { verifier, store, machine, watched } = await running(t);
    await capture(verifier);
    await verifier.close();
    await machine.run('/usr/bin/while-it-was-away');
    assert.equal(codeOf(await watched.retrying()), 'VERIFIER-UNREACHABLE');
    const again = await service(t, { store, port: verifier.port });
    const reply = await watched.attested(2);
    assert.equal(reply.verdict, 'warning');
    assert.equal(watched.names().filter((name) => name === 'enrolling').length, 1);
    assert.equal((await detailOf(again)).list.entries, 2);
  });

  test('lost its database, enrols again with the same keys and sends the whole list', async (t) => {
    const { verifier, machine, statePath, watched } = await running(t);
    const { enrolment, ak } = stateIn(statePath);
    await verifier.close();
    await machine.run('/usr/bin/a');
    await watched.retrying();
    const other = await service(t, { port: verifier.port });
    const enrolled = watched.phases.length;
    await watched.until('enrolled', ({ phase }) => (phase === 'enrolling' ? true : undefined));
    await watched.until('attested', (phase) => (phase.phase === 'attested' ? phase.reply : undefined), enrolled);
    const kept = stateIn(statePath);
    assert.deepEqual([kept.ak, kept.enrolment?.hostId], [ak, enrolment?.hostId]);
    assert.notEqual(kept.enrolment?.token, enrolment?.token);
    assert.equal((await detailOf(other)).list.entries, 2);
  });

  test('does not know the join token, says so with its code, and keeps no enrolment', async (t) => {
    const verifier = await service(t);
    const statePath = join(directory(t), 'agent.json');
    const machine = await Machine.simulated(t);
    const watched = new Watched(t, machine, { verifierUrl: verifier.url, statePath, joinToken: 'x'.repeat(32) });
    assert.match((await watched.retrying()).message, /^REQUEST-UNAUTHENTICATED: /);
    assert.equal(stateIn(statePath).enrolment, null);
  });

  test('knows another machine by this name, waits, says for what, and attests once it was approved', async (t) => {
    const { verifier } = await running(t);
    const other = await Machine.simulated(t);
    const statePath = join(directory(t), 'agent.json');
    const watched = new Watched(t, other, { verifierUrl: verifier.url, statePath });
    const waiting = (): Promise<string> =>
      watched.until('waiting', (phase) => (phase.phase === 'waiting' ? phase.error.message : undefined));
    assert.match(await waiting(), /^E-1 waits for a decision\. The name web-03 belongs to host /);
    assert.match(await waiting(), /^E-1 waits/);
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${TOKENS.operator}` };
    const approval = new URL(route(ROUTES.enrolmentApproval, 'E-1'), verifier.url);
    assert.equal((await fetch(approval, { method: 'POST', headers, body: '{}' })).status, 200);
    await watched.attested(1);
  });

  test('refuses the evidence, goes on with it, and is believed again when it is good', async (t) => {
    const verifier = await service(t);
    const machine = await Machine.simulated(t);
    const statePath = join(directory(t), 'agent.json');
    let tampered = true;
    const source = {
      bank: machine.list.bank,
      start: () => machine.list.start(),
      watch: (changed: () => void) => machine.list.watch(changed),
      async read(fromOffset: number) {
        const bytes = await machine.list.read(fromOffset);
        return tampered ? bytes.with(bytes.length - 2, 0x78) : bytes;
      },
    };
    const watched = new Watched(t, machine, { verifierUrl: verifier.url, statePath, source });
    const refused = await watched.until(
      'answered',
      (phase) => (phase.phase === 'attested' ? phase.reply : undefined),
      0,
    );
    assert.deepEqual([refused.verified, refused.verdict], [false, 'failed']);
    assert.deepEqual(
      refused.errors.map(({ code }) => code),
      ['IMA-TEMPLATE-DIGEST'],
    );
    tampered = false;
    machine.list.announce();
    assert.equal((await watched.attested(1)).verdict, 'unverified');
  });
});

describe('the agent’s state', () => {
  const damaged: Readonly<Record<string, (state: string) => string>> = {
    'is empty': () => '',
    'is no JSON': () => '{',
    'is cut off': (state) => state.slice(0, -20),
    'is of another schema': (state) => state.replace('agent-state.v1', 'agent-state.v9'),
    'has a member too many': (state) => state.replace('{', '{"more":1,'),
    'has a key that is no base64': (state) => state.replace(/"private": "..../, '"private": "A'),
    'has an enrolment of a wrong form': (state) => state.replace(/"hostId": "../, '"hostId": "XX'),
  };
  for (const [name, damage] of Object.entries(damaged)) {
    test(`that ${name} is an error with its path, until it is removed`, async (t) => {
      const { verifier, machine, statePath, watched } = await running(t);
      await watched.agent.stop();
      const good = readFileSync(statePath, 'utf8');
      writeFileSync(statePath, damage(good));
      assert.notEqual(readFileSync(statePath, 'utf8'), good);
      const again = new Watched(t, machine, { verifierUrl: verifier.url, statePath });
      const error = await again.retrying();
      assert.equal(codeOf(error), 'AGENT-STATE');
      assert.ok(error.message.startsWith(`${statePath}: `), error.message);
      await rm(statePath);
      await again.attested(1);
      assert.ok(again.names().includes('enrolling'));
    });
  }

  test('that is a directory is an error too', async (t) => {
    const verifier = await service(t);
    const statePath = directory(t);
    const watched = new Watched(t, await Machine.simulated(t), { verifierUrl: verifier.url, statePath });
    assert.equal(codeOf(await watched.retrying()), 'AGENT-STATE');
  });

  test('of another TPM is of no use: the agent enrols with a key of this one', async (t) => {
    const { verifier, statePath, watched } = await running(t);
    await watched.agent.stop();
    const other = new Watched(t, await Machine.simulated(t), { verifierUrl: verifier.url, statePath, name: 'web-04' });
    await other.attested(1);
    assert.equal(other.names()[0], 'enrolling');
  });

  test('whose key this TPM does not load any more is renewed by the token that it holds', async (t) => {
    const { verifier, machine, statePath, watched } = await running(t);
    await watched.agent.stop();
    const state = stateIn(statePath);
    const blob = Buffer.from(state.ak.private, 'base64');
    blob.writeUInt8(blob.readUInt8(blob.length - 1) ^ 1, blob.length - 1);
    writeFileSync(statePath, JSON.stringify({ ...state, ak: { ...state.ak, private: blob.toString('base64') } }));
    const again = new Watched(t, machine, { verifierUrl: verifier.url, statePath, joinToken: undefined });
    await again.attested(1);
    assert.deepEqual([again.names()[0], again.names().includes('enrolling')], ['renewing', false]);
    assert.equal(stateIn(statePath).enrolment?.hostId, state.enrolment?.hostId);
  });

  test('that others could read is private again once it was written', async (t) => {
    const { verifier, machine, statePath, watched } = await running(t);
    await watched.agent.stop();
    for (const path of [statePath, `${statePath}.new`]) writeFileSync(path, readFileSync(statePath), { mode: 0o644 });
    const again = new Watched(t, machine, { verifierUrl: verifier.url, statePath });
    await again.attested(1);
    assert.equal(statSync(statePath).mode & 0o777, 0o600);
  });
});

describe('a stop of the agent', () => {
  test('leaves no timer behind that keeps the process alive', async (t) => {
    const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const { watched, verifier, machine, statePath } = await running(t);
    await watched.agent.stop();
    const before = timers();
    const again = new Watched(t, machine, { verifierUrl: verifier.url, statePath });
    await again.attested(1);
    await again.agent.stop();
    assert.equal(timers(), before);
  });

  test('ends while it waits to try again', async (t) => {
    const machine = await Machine.simulated(t);
    const statePath = join(directory(t), 'agent.json');
    const watched = new Watched(t, machine, { verifierUrl: 'http://127.0.0.1:1', statePath });
    await watched.retrying();
    await watched.agent.stop();
    const seen = watched.phases.length;
    await new Promise((resolve) => setTimeout(resolve, 600));
    assert.equal(watched.phases.length, seen);
  });

  test('that has lost its beginning is refused in a sentence that says what to do, and heals when it is there again', async (t) => {
    const verifier = await service(t);
    const machine = await Machine.simulated(t);
    await machine.run('/usr/bin/a', '/usr/bin/b');
    const lost = { fromEntry: 3, fromOffset: machine.list.offsetOf(3) };
    let archived = false;
    const source = {
      bank: machine.list.bank,
      start: () => (archived ? machine.list.start() : Promise.resolve(lost)),
      watch: (changed: () => void) => machine.list.watch(changed),
      read: (fromOffset: number, most?: number) => {
        assert.ok(archived || fromOffset >= lost.fromOffset, 'nothing is asked for that is not there');
        return machine.list.read(fromOffset, most);
      },
    };
    const statePath = join(directory(t), 'agent.json');
    const watched = new Watched(t, machine, { verifierUrl: verifier.url, statePath, source });
    const refused = await watched.until(
      'answered',
      (phase) => (phase.phase === 'attested' ? phase.reply : undefined),
      0,
    );
    assert.deepEqual([refused.verified, refused.verdict], [false, 'failed']);
    assert.match(
      refused.sentence,
      /lost its beginning in this boot, and nothing of it is proved; a reboot begins a new/,
    );
    assert.deepEqual(
      refused.errors.map(({ code }) => code),
      ['IMA-LOG-TRIMMED'],
    );
    archived = true;
    machine.list.announce();
    assert.equal((await watched.attested(3)).verdict, 'unverified');
  });
});
