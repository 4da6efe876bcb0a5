import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { TestContext } from 'node:test';

/** A network between agents and their verifier, which can be cut. */
export class Link {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #whole = true;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** @param target the verifier's address at each connection */
  static async open(t: TestContext, target: () => string): Promise<Link> {
    const server = createServer((near) => link.#carry(near, target()));
    const link = new Link(server);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    t.after(() => {
      link.cut();
      server.close();
    });
    return link;
  }

  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('it listens on no port');
    return `http://127.0.0.1:${address.port}`;
  }

  cut(): void {
    this.#whole = false;
    for (const socket of this.#sockets) socket.destroy();
  }

  mend(): void {
    this.#whole = true;
  }

  #carry(near: Socket, target: string): void {
    // The address is empty until the verifier has said it.
    if (!this.#whole || target === '') return void near.destroy();
    const { hostname, port } = new URL(target);
    const far = connect(Number(port), hostname);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(from);
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
      from.on('error', () => to.destroy());
      from.pipe(to);
    }
  }
}
