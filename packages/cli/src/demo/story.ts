import { EnrolmentList, FindingList, HostDocument, route, ROUTES, type ApiClient } from '@assay/wire';
import { UsageError } from '../exit.ts';
import type { Chance } from './chance.ts';
import type { StoryClock } from './clock.ts';
import { hostPlan, type DemoFleet } from './fleet.ts';
import type { DemoMachine } from './machine.ts';
import { APPROVER, PROPOSER, type People } from './people.ts';
import { digestOf, files, FLEET_ROLES, poolOf, UPGRADE, type Role } from './software.ts';

/** What a story is told with. */
export interface Stage {
  readonly hosts: number;
  readonly fleet: DemoFleet;
  readonly clock: StoryClock;
  readonly chance: Chance;
  /** Absent where nobody gave the token of an admin. */
  readonly people: People | undefined;
  /** Reads, as whoever watches. */
  readonly viewer: ApiClient;
  /** Before the name of each host and policy. */
  readonly prefix: string;
  readonly staleAfterSeconds: number;
  tell(chapter: Chapter, text: string): void;
}

export type Chapter =
  | 'enrolment'
  | 'reference'
  | 'day'
  | 'upgrade'
  | 'attack'
  | 'silence'
  | 'reboot'
  | 'clone'
  | 'end'
  | 'missing';

/** What has to come is waited for so long: enrolments are limited to some hundreds a minute. */
const PATIENCE_SECONDS = 300;
/** In the time of the story. */
const SECONDS = { enrolment: 8, chapter: 15, wave: 6, tick: 30 } as const;
const WAVES = 5;
/** No more than so many entries a second, however fast the story goes. */
const FASTEST_TICK_MILLISECONDS = 100;

const TAMPERED = { path: '/usr/bin/sudo', content: 'sudo that lets everybody in' };

/** With this code the verifier lets a machine wait for a decision. */
const WAITS = 'ENROLMENT-WAITS';

/** Hosts to whom something happens; each is another one. */
interface Cast {
  readonly attacked: DemoMachine;
  readonly next: DemoMachine;
  readonly silent: DemoMachine;
  readonly rebooted: DemoMachine;
}

export class Story {
  readonly #stage: Stage;
  #missing = 0;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  /** @returns whether all came as it was told; @throws AbortError when it is ended */
  async play(): Promise<boolean> {
    const { clock, fleet, hosts, tell } = this.#stage;
    await this.#enrolment();
    await this.#reference();
    fleet.live(Math.max(FASTEST_TICK_MILLISECONDS, (SECONDS.tick * 1000) / hosts / clock.speed));
    tell('day', 'a day begins: people and timers run what is installed, and each first run is a new entry');
    await clock.pass(SECONDS.chapter);
    await this.#upgrade();
    const cast = this.#cast();
    for (const chapter of [this.#attack, this.#silence, this.#reboot, this.#clone]) {
      await clock.pass(SECONDS.chapter);
      await chapter.call(this, cast);
    }
    return this.#missing === 0;
  }

  /** After the story: now and then a host is rebooted, so that its list begins again. */
  async goOn(): Promise<void> {
    const { clock, chance, fleet } = this.#stage;
    const order = chance.of('after');
    for (;;) {
      await clock.pass(SECONDS.chapter * 4);
      const trusted = fleet.machines.filter(({ verdict }) => verdict === 'trusted');
      await trusted[order.below(Math.max(1, trusted.length))]?.reboot();
    }
  }

  async #enrolment(): Promise<void> {
    const { hosts, fleet, clock, prefix, tell } = this.#stage;
    tell('enrolment', `${hosts} hosts are switched on and enrol, each with a simulated TPM`);
    for (const { name, role } of hostPlan(hosts)) {
      await fleet.add(`${prefix}${name}`, role);
      await clock.pass(SECONDS.enrolment / hosts);
    }
    await this.#expect('the first evidence of all hosts', async () => {
      if (fleet.machines.some(({ refusal }) => refusal === WAITS)) await this.#admit();
      return this.#all((machine) => machine.verdict !== 'none');
    });
    tell('enrolment', `${hosts} hosts have sent evidence that verifies; nothing says yet what is good`);
  }

  async #reference(): Promise<void> {
    const { people, fleet, tell } = this.#stage;
    if (people === undefined) {
      tell('reference', 'without ASSAY_TOKEN nobody acts for people: capture, approve and activate yourself');
      return;
    }
    for (const role of FLEET_ROLES) {
      const name = this.#policyOf(role);
      const machines = fleet.ofRole(role);
      const version = await people.propose(name, role.packages.map(poolOf));
      tell('reference', `${PROPOSER} pushes ${name} version ${version}: ${role.packages.length} packages`);
      await people.activate(
        name,
        version,
        machines.map((machine) => machine.name),
      );
      tell('reference', `${APPROVER} activates it for ${hostCount(machines.length)}`);
    }
    await this.#expectTrusted();
    tell('reference', 'all hosts are trusted');
  }

  async #upgrade(): Promise<void> {
    const { fleet, chance, clock, people, tell } = this.#stage;
    const what = UPGRADE.map(({ name, version }) => `${name} ${version}`).join(', ');
    tell('upgrade', `apt upgrade begins to go through the fleet: ${what}`);
    const [first = [], ...others] = waves(chance.of('upgrade').shuffled(fleet.machines));
    await upgradeAll(first);
    if (people !== undefined) await this.#approveUpgrade(people, first);
    for (const wave of others) {
      await clock.pass(SECONDS.wave);
      await upgradeAll(wave);
    }
    if (people !== undefined) await this.#expectTrusted();
    tell('upgrade', 'the upgrade is on all hosts');
    if (people !== undefined) await this.#tidy(people);
  }

  /** What the first wave brought is approved before the others come. */
  async #approveUpgrade(people: People, wave: readonly DemoMachine[]): Promise<void> {
    const { clock, tell } = this.#stage;
    await this.#expect('warnings of the first wave', () => wave.every(({ verdict }) => verdict === 'warning'));
    tell('upgrade', `${hostCount(wave.length)} of the first wave warn: libraries ran that no policy has`);
    await clock.pass(SECONDS.chapter);
    const digests = new Set(UPGRADE.flatMap(files).map(({ content }) => digestOf(content)));
    for (const role of FLEET_ROLES) {
      const machines = wave.filter((machine) => machine.role === role);
      const found = await people.findings(new Set(machines.map(({ name }) => name)), digests);
      for (const [name, version] of await people.approve(found)) {
        tell('upgrade', `${PROPOSER} approves the findings into ${name} version ${version}`);
        await people.activate(name, version);
        tell('upgrade', `${APPROVER} activates it`);
      }
    }
    await this.#expect('the first wave to be trusted', () => wave.every(({ verdict }) => verdict === 'trusted'));
    tell('upgrade', `${hostCount(wave.length)} of the first wave are trusted again`);
  }

  async #tidy(people: People): Promise<void> {
    for (const role of FLEET_ROLES) {
      const name = this.#policyOf(role);
      const version = await people.tidy(name, UPGRADE.map(poolOf));
      await people.activate(name, version);
      this.#stage.tell('upgrade', `${name} version ${version} has the packages themselves instead of approvals`);
    }
  }

  async #attack({ attacked, next }: Cast): Promise<void> {
    const { clock, people, tell } = this.#stage;
    await attacked.run(TAMPERED);
    tell('attack', `a tampered ${TAMPERED.path} runs on ${attacked.name}: ${digestOf(TAMPERED.content)}`);
    if (people !== undefined) {
      await this.#expect(`${attacked.name} to fail`, () => attacked.verdict === 'failed');
      tell('attack', `${attacked.name} has failed`);
    }
    await clock.pass(SECONDS.chapter);
    await next.run(TAMPERED);
    tell('attack', `the same digest runs on ${next.name}: assay digest who finds both`);
    if (people === undefined) return;
    await this.#expect(`${next.name} to fail`, () => next.verdict === 'failed');
    await this.#expect('one cause on two hosts', () => this.#openOnTwo(attacked));
    tell('attack', `${next.name} has failed; both findings have one cause`);
    await clock.pass(SECONDS.chapter);
    await attacked.reboot();
    await this.#expect(`${attacked.name} to be trusted`, () => attacked.verdict === 'trusted');
    tell('attack', `${attacked.name} was installed anew and is trusted; ${next.name} stays as it is, for you`);
  }

  async #openOnTwo({ name }: DemoMachine): Promise<boolean> {
    const query = { host: name, open: 'true' };
    const { findings } = await this.#stage.viewer.call(ROUTES.findings, FindingList, { query });
    return findings.some(({ blastRadius }) => blastRadius.hosts === 2);
  }

  async #silence({ silent }: Cast): Promise<void> {
    const { viewer, staleAfterSeconds, tell } = this.#stage;
    await silent.silence();
    tell('silence', `${silent.name} falls silent`);
    await this.#expect(
      `${silent.name} to be stale`,
      async () => {
        const { host } = await viewer.call(route(ROUTES.host, silent.name), HostDocument);
        return host.verdict === 'stale';
      },
      staleAfterSeconds + PATIENCE_SECONDS,
    );
    tell('silence', `${silent.name} is stale: old evidence is never green`);
  }

  async #reboot({ rebooted }: Cast): Promise<void> {
    const { tell } = this.#stage;
    const before = rebooted.verdict;
    await rebooted.reboot();
    tell('reboot', `${rebooted.name} reboots: its TPM counts a reset, and its list begins again`);
    await this.#expect(`${rebooted.name} to be as before`, () => rebooted.verdict === before);
    tell('reboot', `${rebooted.name} is ${before} in its new boot`);
  }

  async #clone({ rebooted }: Cast): Promise<void> {
    const { fleet, tell } = this.#stage;
    const clone = await fleet.add(`${rebooted.name}-copy`, rebooted.role, rebooted.tpmSeed);
    tell('clone', `${clone.name} comes with a copy of the TPM of ${rebooted.name}`);
    await this.#expect(`${clone.name} to wait`, () => clone.refusal === WAITS);
    tell('clone', `${clone.name} waits for a decision, and ${rebooted.name} warns: one endorsement key is one host`);
  }

  #cast(): Cast {
    const { fleet, chance } = this.#stage;
    const [attacked, next, silent, rebooted] = chance.of('cast').shuffled(fleet.machines);
    if (attacked === undefined || next === undefined || silent === undefined || rebooted === undefined) {
      throw new Error('a story needs four hosts');
    }
    return { attacked, next, silent, rebooted };
  }

  /**
   * Where a verifier wants enrolments approved, they are by those who act, or by whoever watches.
   * @throws UsageError where a name is that of another host
   */
  async #admit(): Promise<void> {
    const { viewer, people, fleet } = this.#stage;
    const query = { state: 'pending', limit: '1000' };
    const { enrolments } = await viewer.call(ROUTES.enrolments, EnrolmentList, { query });
    const names = new Set(fleet.machines.map(({ name }) => name));
    const waiting = enrolments.filter(({ name }) => names.has(name));
    const taken = waiting.find(({ reasons }) => reasons.some(({ code }) => code === 'HOST-DUPLICATE'));
    if (taken !== undefined) {
      throw new UsageError(`the verifier has another ${taken.name}: take the --seed of the demo that was there before`);
    }
    await people?.admit(waiting.map(({ id }) => id));
  }

  #policyOf({ name }: Role): string {
    return `${this.#stage.prefix}${name}`;
  }

  #all(holds: (machine: DemoMachine) => boolean): boolean {
    return this.#stage.fleet.machines.every(holds);
  }

  #expectTrusted(): Promise<void> {
    return this.#expect('all hosts to be trusted', () => this.#all(({ verdict }) => verdict === 'trusted'));
  }

  /** Goes on without what does not come, and says so. */
  async #expect(
    what: string,
    holds: () => boolean | Promise<boolean>,
    limitSeconds: number = PATIENCE_SECONDS,
  ): Promise<void> {
    if (await this.#stage.clock.until(holds, limitSeconds)) return;
    this.#missing += 1;
    this.#stage.tell('missing', `waited ${limitSeconds} s for ${what}`);
  }
}

async function upgradeAll(machines: readonly DemoMachine[]): Promise<void> {
  const added = UPGRADE.flatMap(files);
  for (const machine of machines) await machine.upgrade(added);
}

/** The first part has one host of each role, where it can. */
function waves(machines: readonly DemoMachine[]): DemoMachine[][] {
  const firstOfRole = FLEET_ROLES.flatMap((role) => machines.find((machine) => machine.role === role) ?? []);
  const rest = machines.filter((machine) => !firstOfRole.includes(machine));
  const size = Math.ceil(rest.length / WAVES);
  const parts = Array.from({ length: WAVES }, (_, index) => rest.slice(index * size, (index + 1) * size));
  return [[...firstOfRole, ...(parts[0] ?? [])], ...parts.slice(1)].filter((part) => part.length > 0);
}

function hostCount(hosts: number): string {
  return hosts === 1 ? '1 host' : `${hosts} hosts`;
}
