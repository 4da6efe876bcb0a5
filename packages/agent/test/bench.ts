import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { startAgent, type Agent, type AgentOptions, type AgentPhase } from '@assay/agent';
import { fromHex, utf8 } from '@assay/core/bytes';
import { bootAggregate } from '@assay/core/measurement';
import { nodeHasher } from '@assay/core/node';
import { connectSwtpm, Tpm, type TpmTransport } from '@assay/linux/tpm';
import { extendEventLog, SimulatedList, type Appended } from '@assay/testkit/evidence';
import { startSwtpm } from '@assay/testkit/swtpm';
import { SimulatedTpm } from '@assay/testkit/tpm';
import { startVerifier, type Verifier, type VerifierOptions } from '@assay/verifier';
import { HostDocument, route, ROUTES, type EvidenceReply, type HostDetail } from '@assay/wire';

export const TOKENS = { operator: randomBytes(16).toString('hex'), join: randomBytes(16).toString('hex') };

/** Far longer than any test: what comes earlier came because something happened. */
const HEARTBEAT_SECONDS = 3600;
const PATIENCE_MILLISECONDS = 60_000;

export function directory(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'assay-agent-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** A verifier that ends with the test; another with these options goes on where it stopped. */
export async function service(t: TestContext, options: Partial<VerifierOptions> = {}): Promise<Verifier> {
  const store = options.store ?? `sqlite:${join(directory(t), 'verifier.db')}`;
  const verifier = await startVerifier({
    port: 0,
    tokens: TOKENS,
    heartbeatSeconds: HEARTBEAT_SECONDS,
    staleAfterSeconds: HEARTBEAT_SECONDS * 2,
    ...options,
    store,
  });
  t.after(() => verifier.close());
  return verifier;
}

export async function detailOf(verifier: Pick<Verifier, 'url'>, name = 'web-03'): Promise<HostDetail> {
  const answer = await fetch(new URL(route(ROUTES.host, name), verifier.url));
  return HostDocument.parse(await answer.json()).host;
}

export async function capture(verifier: Verifier, name = 'web-03'): Promise<void> {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${TOKENS.operator}` };
  const answer = await fetch(new URL(route(ROUTES.captures, name), verifier.url), {
    method: 'POST',
    headers,
    body: '{}',
  });
  if (!answer.ok) throw new Error(await answer.text());
}

/** A machine with a TPM and a list that grows when programs run; without its agent. */
export class Machine {
  readonly tpm: Tpm;
  readonly list = new SimulatedList();
  readonly #cycle: () => Promise<Machine>;

  private constructor(transport: TpmTransport, cycle: () => Promise<Machine>) {
    this.tpm = new Tpm(transport);
    this.#cycle = cycle;
  }

  static simulated(_t: TestContext, chip = new SimulatedTpm()): Promise<Machine> {
    const machine = new Machine(chip, () => {
      const { seed, resetCount } = chip.state();
      return Machine.simulated(_t, new SimulatedTpm({ seed: fromHex(seed), resetCount }));
    });
    return machine.#started();
  }

  /** @param eventLog what its firmware measured */
  static async swtpm(t: TestContext, state = directory(t), eventLog?: Uint8Array): Promise<Machine> {
    const running = await startSwtpm(state);
    const transport = await connectSwtpm(running.socketPath);
    const machine = new Machine(transport, async () => {
      await machine.tpm.shutdown();
      await machine.tpm.close();
      await running.stop();
      return Machine.swtpm(t, state);
    });
    t.after(async () => {
      await machine.tpm.close();
      await running.stop();
    });
    return machine.#started(eventLog);
  }

  async #started(eventLog?: Uint8Array): Promise<Machine> {
    await this.tpm.startup();
    if (eventLog !== undefined) await extendEventLog(this.tpm, eventLog);
    const bootPcrs = await this.tpm.readPcrs('sha256', [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    await this.extend(this.list.begin(bootAggregate(nodeHasher, 'sha256', bootPcrs)));
    return this;
  }

  /** After the power was off and on. */
  reboot(): Promise<Machine> {
    return this.#cycle();
  }

  /** The entry is in the list and not in the PCR yet, as an engine has it for a moment. */
  append(path: string): Appended {
    return this.list.measure(path, nodeHasher.digest('sha256', utf8(path)));
  }

  async extend(entry: Appended): Promise<void> {
    const banks = await this.tpm.activeBanks();
    await this.tpm.extendPcr(10, new Map(banks.map((bank) => [bank, entry.extendValue(bank)])));
  }

  /** @param paths of programs, each its own content */
  async run(...paths: readonly string[]): Promise<void> {
    for (const path of paths) await this.extend(this.append(path));
    this.list.announce();
  }

  /** How many more objects the TPM can hold. */
  async freeSlots(): Promise<number> {
    const handles: number[] = [];
    try {
      for (;;) handles.push((await this.tpm.createEndorsementKey()).handle);
    } catch {
      for (const handle of handles) await this.tpm.flush(handle);
      return handles.length;
    }
  }
}

/** An agent, and all that it said so far. */
export class Watched {
  readonly phases: AgentPhase[] = [];
  readonly agent: Agent;
  readonly #looks = new Set<() => void>();

  constructor(
    t: TestContext,
    machine: Machine,
    options: Pick<AgentOptions, 'verifierUrl' | 'statePath'> & Partial<AgentOptions>,
  ) {
    this.agent = startAgent({
      name: 'web-03',
      joinToken: TOKENS.join,
      tpm: machine.tpm,
      source: machine.list,
      facts: { tpmKind: 'simulated', listSource: 'simulated', kernel: '6.12.0', agentVersion: '0.1.0' },
      ...options,
      onPhase: (phase) => {
        this.phases.push(phase);
        for (const look of this.#looks) look();
      },
    });
    t.after(() => this.agent.stop(0));
  }

  /** Waits for a phase from now on, or among those since `since`; all that were seen stand in the error. */
  async until<T>(what: string, find: (phase: AgentPhase) => T | undefined, since = this.phases.length): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const look = (): void => {
      const found = this.phases
        .slice(since)
        .map(find)
        .find((each) => each !== undefined);
      if (found !== undefined) resolve(found);
    };
    const timer = setTimeout(
      () => reject(new Error(`never ${what}: ${this.names().join(' ')}`)),
      PATIENCE_MILLISECONDS,
    );
    this.#looks.add(look);
    look();
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#looks.delete(look);
    }
  }

  /** The first reply after which the verifier has so many entries. */
  attested(entries: number): Promise<EvidenceReply> {
    const has = (phase: AgentPhase): EvidenceReply | undefined =>
      phase.phase === 'attested' && phase.reply.verified && phase.reply.challenge.list.fromEntry > entries
        ? phase.reply
        : undefined;
    return this.until(`attested ${entries} entries`, has, 0);
  }

  /** The next error. */
  retrying(): Promise<Error> {
    return this.until('retrying', (phase) => (phase.phase === 'retrying' ? phase.error : undefined));
  }

  replies(): EvidenceReply[] {
    return this.phases.flatMap((phase) => (phase.phase === 'attested' ? [phase.reply] : []));
  }

  names(): string[] {
    return this.phases.map((phase) => (phase.phase === 'retrying' ? `retrying (${phase.error.message})` : phase.phase));
  }
}
