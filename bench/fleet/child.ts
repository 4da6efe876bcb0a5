import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { usageIn, type Usage } from './usage.ts';

/** A verifier in a process of its own. */
export class Verifier {
  readonly #child: ChildProcess;
  url = '';

  constructor(store: string) {
    const program = join(import.meta.dirname, 'verifier.ts');
    this.#child = fork(program, [store], { execArgv: ['--expose-gc'], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  }

  async started(): Promise<void> {
    this.url = String(await this.#answer());
  }

  async usage(): Promise<Usage> {
    this.#child.send('usage');
    return usageIn(await this.#answer());
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  #answer(): Promise<unknown> {
    return new Promise((resolve) => this.#child.once('message', resolve));
  }

  async stop(): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.disconnect();
    await ended;
  }
}
