import assert from 'node:assert/strict';
import { renameSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { kernelList, spooledList, spoolName, type MeasurementSource } from '@assay/linux/ima';
import { capture, detailOf, directory, Machine, service, TOKENS, Watched } from './bench.ts';

const FILE = 'binary_runtime_measurements_sha256';

/** The list of a machine in files, as securityfs has it, from which the first entries can be taken away. */
class Files {
  readonly path: string;
  readonly #machine: Machine;
  #first = 1;

  constructor(t: TestContext, machine: Machine) {
    this.path = directory(t);
    this.#machine = machine;
    this.#write();
  }

  /** As a kernel does: what is extended is in the list before. */
  async run(...paths: readonly string[]): Promise<void> {
    for (const path of paths) {
      const entry = this.#machine.append(path);
      this.#write();
      await this.#machine.extend(entry);
    }
  }

  trimTo(entry: number): void {
    this.#first = entry;
    this.#write();
  }

  source(t: TestContext, state: string): MeasurementSource {
    const source = spooledList(kernelList(this.path, FILE, 'sha256'), { directory: state });
    t.after(() => source.close());
    return source;
  }

  #write(): void {
    const { list } = this.#machine;
    this.#put(FILE, list.bytes(this.#first));
    this.#put('runtime_measurements_count', `${list.entries - this.#first + 1}\n`);
  }

  #put(name: string, content: string | Uint8Array): void {
    writeFileSync(join(this.path, 'next'), content);
    renameSync(join(this.path, 'next'), join(this.path, name));
  }
}

const PROGRAMS = ['/usr/bin/ls', '/usr/bin/cat', '/usr/bin/id'];

test('what an agent has read is attested although it is trimmed before it is sent, whether the agent goes on or starts anew', async (t) => {
  for (const restarted of [false, true]) {
    const machine = await Machine.simulated(t);
    const files = new Files(t, machine);
    const state = directory(t);
    const store = `sqlite:${join(directory(t), 'verifier.db')}`;
    const first = await service(t, { store });
    const statePath = join(state, 'agent.json');
    let source = files.source(t, state);
    const watch = (url: string): Watched => new Watched(t, machine, { verifierUrl: url, statePath, source });
    let watched = watch(first.url);
    await files.run(...PROGRAMS);
    await watched.attested(4);
    await capture(first);
    await files.run('/usr/bin/ls');
    await watched.attested(5);
    assert.equal((await detailOf(first)).verdict, 'trusted');

    await first.close();
    await files.run('/usr/bin/cat', '/usr/bin/id');
    await source.start(); // As the agent does whenever the list grows.
    if (restarted) await watched.agent.stop(60_000);
    files.trimTo(8);
    const port = Number(new URL(first.url).port);
    const second = await service(t, { store, port });
    if (restarted) {
      source = files.source(t, state);
      watched = watch(second.url);
    }
    await watched.attested(7);
    assert.equal((await detailOf(second)).verdict, 'trusted');
    await files.run('/usr/bin/ls');
    await watched.attested(8);
    files.trimTo(9);
    await files.run('/usr/bin/cat', '/usr/bin/id');
    const reply = await watched.attested(10);
    assert.equal(reply.verdict, 'trusted');
    assert.deepEqual(
      watched.replies().flatMap(({ errors }) => errors),
      [],
    );
    await watched.agent.stop();
  }
});

test('what was trimmed before the agent read it is a list that has lost its beginning', async (t) => {
  const machine = await Machine.simulated(t);
  const files = new Files(t, machine);
  const state = directory(t);
  const verifier = await service(t);
  const options = { verifierUrl: verifier.url, joinToken: TOKENS.join, statePath: join(state, 'agent.json') };
  const before = new Watched(t, machine, { ...options, source: files.source(t, state) });
  await files.run(...PROGRAMS);
  await before.attested(4);
  await before.agent.stop();
  await files.run('/usr/bin/ls', '/usr/bin/cat');
  files.trimTo(6);
  const after = new Watched(t, machine, { ...options, source: files.source(t, state) });
  await after.until(
    'told that the list was trimmed',
    (phase) =>
      phase.phase === 'attested' && phase.reply.errors.some(({ code }) => code === 'IMA-LOG-TRIMMED')
        ? true
        : undefined,
    0,
  );
  assert.equal((await detailOf(verifier)).list.entries, 4);
  await files.run('/usr/bin/id');
  await after.until('told again', (phase) => (phase.phase === 'attested' ? true : undefined));
  assert.deepEqual(
    new Set(after.replies().flatMap(({ errors }) => errors.map(({ code }) => code))),
    new Set(['IMA-LOG-TRIMMED']),
  );
});

test('a damaged spool of a list that was trimmed is a list that has lost its beginning', async (t) => {
  const machine = await Machine.simulated(t);
  const files = new Files(t, machine);
  const state = directory(t);
  const verifier = await service(t);
  const options = { verifierUrl: verifier.url, joinToken: TOKENS.join, statePath: join(state, 'agent.json') };
  const before = new Watched(t, machine, { ...options, source: files.source(t, state) });
  const many = Array.from({ length: 900 }, (_, index) => `/usr/bin/program-${index}`);
  await files.run(...many);
  await before.attested(901);
  await before.agent.stop();
  const spool = join(state, spoolName());
  truncateSync(spool, statSync(spool).size - 1000);
  files.trimTo(901);
  const after = new Watched(t, machine, { ...options, source: files.source(t, state) });
  const reply = await after.until('attested', (phase) => (phase.phase === 'attested' ? phase.reply : undefined), 0);
  assert.deepEqual(
    reply.errors.map(({ code }) => code),
    ['IMA-LOG-TRIMMED'],
  );
});
