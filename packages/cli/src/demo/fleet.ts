import type { Chance } from './chance.ts';
import { DemoMachine, type Enrolment } from './machine.ts';
import { FLEET_ROLES, type Role } from './software.ts';

/** All machines of a demo. */
export class DemoFleet {
  readonly machines: DemoMachine[] = [];
  readonly #chance: Chance;
  readonly #enrolment: Enrolment;
  #life: NodeJS.Timeout | undefined;

  constructor(chance: Chance, enrolment: Enrolment) {
    this.#chance = chance;
    this.#enrolment = enrolment;
  }

  async add(name: string, role: Role, tpmSeed = this.#chance.of(`tpm ${name}`).bytes()): Promise<DemoMachine> {
    const options = { name, role, tpmSeed, chance: this.#chance.of(`host ${name}`) };
    const machine = await DemoMachine.start(options, this.#enrolment);
    this.machines.push(machine);
    return machine;
  }

  ofRole({ name }: Role): DemoMachine[] {
    return this.machines.filter(({ role }) => role.name === name);
  }

  /** From now on one of them runs something at each tick. */
  live(milliseconds: number): void {
    const chance = this.#chance.of('life');
    this.#life = setInterval(() => void this.machines[chance.below(this.machines.length)]?.runNext(), milliseconds);
  }

  async stop(): Promise<void> {
    clearInterval(this.#life);
    await Promise.all(this.machines.map((machine) => machine.silence()));
  }
}

/** Names and roles of so many hosts; each role has one at least. */
export function hostPlan(hosts: number): { readonly name: string; readonly role: Role }[] {
  const width = Math.max(2, String(hosts).length);
  const roles = roleOfEach(hosts);
  const counts = new Map<Role, number>();
  return roles.map((role) => {
    const number = (counts.get(role) ?? 0) + 1;
    counts.set(role, number);
    return { name: `${role.name}-${String(number).padStart(width, '0')}`, role };
  });
}

/** By shares of ten, the first of each role at the front. */
function roleOfEach(hosts: number): Role[] {
  const ten = FLEET_ROLES.flatMap((role) => Array.from({ length: role.share - 1 }, () => role));
  const rest = Array.from({ length: hosts - FLEET_ROLES.length }, (_, index) => ten[index % ten.length]);
  return [...FLEET_ROLES, ...rest.flatMap((role) => (role === undefined ? [] : [role]))];
}
