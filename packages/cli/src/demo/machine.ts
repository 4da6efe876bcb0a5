import { startAgent, type Agent, type AgentPhase } from '@assay/agent';
import { SimulatedHost, simulatedEventLog } from '@assay/testkit/evidence';
import { SimulatedTpm } from '@assay/testkit/tpm';
import type { Verdict } from '@assay/wire';
import packageJson from '../../package.json' with { type: 'json' };
import type { Chance } from './chance.ts';
import { filesOf, type File, type Role } from './software.ts';

/** Where the machines of a demo enrol. */
export interface Enrolment {
  readonly verifierUrl: string;
  readonly joinToken: string;
  /** Where the agent of a machine keeps its key. */
  statePath(name: string): string;
}

export interface MachineOptions {
  readonly name: string;
  readonly role: Role;
  readonly chance: Chance;
  /** 32 bytes; two machines of one seed have one TPM. */
  readonly tpmSeed: Uint8Array;
}

/** A host that is simulated, with its TPM and a real agent, and what it runs. */
export class DemoMachine {
  readonly name: string;
  readonly role: Role;
  readonly tpmSeed: Uint8Array;
  readonly #enrolment: Enrolment;
  readonly #chance: Chance;
  #host: SimulatedHost;
  #agent: Agent | undefined;
  #later: File[] = [];
  #added: readonly File[] = [];
  #verdict: Verdict | 'none' = 'none';
  #refusal: string | undefined;

  private constructor(options: MachineOptions, enrolment: Enrolment, host: SimulatedHost) {
    this.name = options.name;
    this.role = options.role;
    this.tpmSeed = options.tpmSeed;
    this.#chance = options.chance;
    this.#enrolment = enrolment;
    this.#host = host;
  }

  /** Switches it on; its agent enrols it by itself. */
  static async start(options: MachineOptions, enrolment: Enrolment): Promise<DemoMachine> {
    const chip = new SimulatedTpm({ seed: options.tpmSeed });
    const machine = new DemoMachine(
      options,
      enrolment,
      await SimulatedHost.boot({ name: options.name, chip, eventLog: simulatedEventLog() }),
    );
    await machine.#started();
    return machine;
  }

  /** What the verifier answered last; `none` before its first answer, and from a reboot on. */
  get verdict(): Verdict | 'none' {
    return this.#verdict;
  }

  /** The code with which the verifier does not let it in. */
  get refusal(): string | undefined {
    return this.#refusal;
  }

  run({ path, content }: File): Promise<void> {
    return this.#host.execute(path, content);
  }

  /** The next of what is installed; IMA measures each once. */
  async runNext(): Promise<void> {
    const next = this.#later.shift();
    if (next !== undefined) await this.run(next);
  }

  /** Runs what an upgrade brought, and brings it again after a reboot. */
  async upgrade(added: readonly File[]): Promise<void> {
    this.#added = added;
    for (const file of added) await this.run(file);
  }

  /** Power off and on: another boot, without what was run by hand. */
  async reboot(): Promise<void> {
    await this.silence();
    this.#verdict = 'none';
    this.#host = await this.#host.reboot();
    await this.#started();
  }

  /** Its agent sends nothing any more. */
  async silence(): Promise<void> {
    await this.#agent?.stop();
    this.#agent = undefined;
  }

  async #started(): Promise<void> {
    const { atBoot, later } = filesOf(this.role);
    for (const file of [...atBoot, ...this.#added]) await this.run(file);
    this.#later = this.#chance.shuffled(later);
    const { verifierUrl, joinToken } = this.#enrolment;
    const { eventLog = 'none' } = this.#host;
    this.#agent = startAgent({
      name: this.name,
      verifierUrl,
      joinToken,
      tpm: this.#host.tpm,
      source: this.#host.list,
      facts: { ...this.#host.facts, agentVersion: packageJson.version },
      eventLog: () => Promise.resolve(eventLog),
      statePath: this.#enrolment.statePath(this.name),
      onPhase: (phase) => this.#note(phase),
    });
  }

  #note(phase: AgentPhase): void {
    if (phase.phase === 'attested') this.#verdict = phase.reply.verdict;
    if (phase.phase === 'waiting') this.#refusal = phase.error.problem.code;
  }
}
