/** Values that were used lately, up to a number of them; the one that was not used for longest gives way. */
export class Recent<Value> {
  readonly #limit: number;
  readonly #values = new Map<string, Value>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  get(key: string): Value | undefined {
    const value = this.#values.get(key);
    if (value !== undefined) this.#use(key, value);
    return value;
  }

  set(key: string, value: Value): void {
    this.#use(key, value);
    const [oldest] = this.#values.keys();
    if (this.#values.size > this.#limit && oldest !== undefined) this.#values.delete(oldest);
  }

  #use(key: string, value: Value): void {
    this.#values.delete(key);
    this.#values.set(key, value);
  }
}
