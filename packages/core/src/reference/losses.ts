/** Something that a conversion cannot carry over. */
export interface Loss {
  /** Member of the policy that was read. */
  readonly member: string;
  readonly reason: string;
  /** How often. */
  readonly count: number;
  /** The first few, as they stand there. */
  readonly examples: readonly string[];
}

const EXAMPLES = 5;

/** Collects losses, grouped by member and reason. */
export class Losses {
  readonly #losses = new Map<string, { member: string; reason: string; count: number; examples: string[] }>();

  add(member: string, reason: string, example: string): void {
    const loss = this.#of(member, reason);
    loss.count += 1;
    if (loss.examples.length < EXAMPLES) loss.examples.push(example.slice(0, 200));
  }

  /** Something to know, of which there is nothing to count. */
  note(member: string, reason: string): void {
    this.#of(member, reason);
  }

  list(): Loss[] {
    return [...this.#losses.values()];
  }

  #of(member: string, reason: string): { count: number; examples: string[] } {
    const key = `${member}\n${reason}`;
    const known = this.#losses.get(key) ?? { member, reason, count: 0, examples: [] };
    this.#losses.set(key, known);
    return known;
  }
}
