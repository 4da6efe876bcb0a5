import type { FastifyReply, FastifyRequest } from 'fastify';
import { agentHostOf } from './guards.ts';

/** Bytes of a body that is read at once, however many others are. */
const SMALL = 256 * 1024;
/** Large bodies of all hosts that are in memory at one time. */
const AT_ONCE = 32;

/** Lets so many names in at one time, and each of them once; the others wait in the order in which they came. */
export class Slots {
  readonly #most: number;
  readonly #inside = new Set<string>();
  readonly #waiting: { readonly name: string; readonly enter: () => void }[] = [];

  constructor(most: number) {
    this.#most = most;
  }

  /** @returns when it is the turn of this name, which has to leave then */
  enter(name: string): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push({ name, enter: resolve });
      this.#next();
    });
  }

  leave(name: string): void {
    this.#inside.delete(name);
    this.#next();
  }

  #next(): void {
    while (this.#inside.size < this.#most) {
      const at = this.#waiting.findIndex(({ name }) => !this.#inside.has(name));
      const [first] = at < 0 ? [] : this.#waiting.splice(at, 1);
      if (first === undefined) return;
      this.#inside.add(first.name);
      first.enter();
    }
  }
}

/**
 * Of each host one large body is read at a time, and some of all hosts: what has to wait is not read, so that it takes no
 * memory here. A body that does not come in time makes room again (`requestTimeout`).
 */
export function largeBodiesInTurn(): (request: FastifyRequest, reply: FastifyReply) => Promise<void> {
  const slots = new Slots(AT_ONCE);
  return async (request, { raw }) => {
    const length = request.headers['content-length'];
    if (length !== undefined && Number(length) <= SMALL) return;
    const { id } = agentHostOf(request);
    await slots.enter(id);
    if (request.raw.socket.destroyed) slots.leave(id);
    else raw.once('close', () => slots.leave(id));
  };
}
