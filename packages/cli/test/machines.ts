import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { utf8 } from '@assay/core/bytes';
import { bootAggregate, entryKind, parseBinaryList } from '@assay/core/measurement';
import { nodeHasher } from '@assay/core/node';
import { connectSwtpm, Tpm } from '@assay/linux/tpm';
import { SimulatedList, type Appended } from '@assay/testkit/evidence';
import { startSwtpm } from '@assay/testkit/swtpm';
import { HostDocument } from '@assay/wire';
import { z } from 'zod';
import { assay, launch, scratch, type Ended, type Launched } from './assay.ts';
import { eventually } from './up.ts';

/** A machine: a swtpm behind a steady name, and the files of a kernel's list that its PCR 10 holds. */
export class Host {
  readonly directory: string;
  readonly socket: string;
  readonly kernel: string;
  #list = new SimulatedList();
  #running: Awaited<ReturnType<typeof startSwtpm>> | undefined;

  readonly #tpmState: string;

  /** @param tpmState that of its TPM, where it was manufactured before */
  constructor(t: TestContext, tpmState?: string) {
    this.directory = scratch(t);
    this.#tpmState = tpmState ?? join(this.directory, 'tpm');
    this.socket = join(this.directory, 'tpm.sock');
    this.kernel = join(this.directory, 'ima');
    mkdirSync(this.kernel);
    t.after(() => this.off());
  }

  async on(): Promise<this> {
    this.#running = await startSwtpm(this.#tpmState);
    symlinkSync(this.#running.socketPath, this.socket);
    this.#list = new SimulatedList();
    await this.withTpm(async (tpm) => {
      await tpm.startup();
      const pcrs = await tpm.readPcrs('sha256', [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
      await this.#extend(tpm, this.#list.begin(bootAggregate(nodeHasher, 'sha256', pcrs)));
    });
    return this;
  }

  async off(): Promise<void> {
    rmSync(this.socket, { force: true });
    await this.#running?.stop();
    this.#running = undefined;
  }

  /** A program of that content is executed. */
  run(path: string, content = path): Promise<void> {
    return this.withTpm(async (tpm) => {
      await this.#extend(tpm, this.#list.measure(path, nodeHasher.digest('sha256', utf8(content))));
    });
  }

  /** Files are measured as in a list that a kernel wrote; what it says of the boot, keys and violations stays there. */
  replay(list: Uint8Array): Promise<void> {
    const { entries } = parseBinaryList(list, { bank: 'sha256' });
    return this.withTpm(async (tpm) => {
      for (const entry of entries) if (entryKind(entry) === 'file') await this.#extend(tpm, this.#list.again(entry));
    });
  }

  get entries(): number {
    return this.#list.entries;
  }

  /** While nothing else is connected to the TPM. */
  async withTpm<T>(use: (tpm: Tpm) => Promise<T>): Promise<T> {
    const tpm = new Tpm(await connectSwtpm(this.socket));
    try {
      return await use(tpm);
    } finally {
      await tpm.close();
    }
  }

  async #extend(tpm: Tpm, entry: Appended): Promise<void> {
    const banks = await tpm.activeBanks();
    await tpm.extendPcr(10, new Map(banks.map((bank) => [bank, entry.extendValue(bank)])));
    for (const name of ['binary_runtime_measurements', 'binary_runtime_measurements_sha256'])
      writeFileSync(join(this.kernel, name), this.#list.bytes());
    writeFileSync(join(this.kernel, 'runtime_measurements_count'), `${this.#list.entries}\n`);
  }
}

export async function end({ child, ended }: Launched, signal: NodeJS.Signals): Promise<Ended> {
  if (child.exitCode === null && child.signalCode === null) child.kill(signal);
  return ended;
}

export class Service {
  readonly state: string;
  readonly joinToken: string;
  url = '';
  adminToken = '';
  #running: Launched | undefined;

  constructor(t: TestContext) {
    const directory = scratch(t);
    this.state = join(directory, 'verifier');
    this.joinToken = join(directory, 'join-token');
    t.after(() => this.stop('SIGKILL'));
  }

  /** On the port of before, with a second between heartbeats. */
  async start(...more: readonly string[]): Promise<this> {
    const port = this.url === '' ? '0' : new URL(this.url).port;
    const times = ['--heartbeat', '1', '--stale-after', '600'];
    const started = launch(['verifier', 'serve', '--port', port, '--state', this.state, ...times, ...more]);
    this.#running = started;
    await eventually('the verifier is ready', () => {
      this.url = /http:\/\/127\.0\.0\.1:\d+/.exec(started.output.stdout)?.[0] ?? '';
      return this.url !== '' || started.child.exitCode !== null;
    });
    assert.notEqual(this.url, '', started.output.stderr);
    const tokens: unknown = JSON.parse(readFileSync(join(this.state, 'tokens.json'), 'utf8'));
    const { operator, join: joins } = z.object({ operator: z.string(), join: z.string() }).parse(tokens);
    this.adminToken = operator;
    writeFileSync(this.joinToken, `${joins}\n`);
    return this;
  }

  async stop(signal: NodeJS.Signals): Promise<void> {
    if (this.#running !== undefined) await end(this.#running, signal);
  }

  async hasEntries(name: string, entries: number): Promise<void> {
    await eventually(`${name} has ${entries} entries`, async () => {
      const answer = await assay(['hosts', 'get', name, '--url', this.url, '-o', 'json']);
      const parsed = HostDocument.safeParse(JSON.parse(answer.stdout));
      return parsed.success && parsed.data.host.list.entries === entries;
    });
  }
}
