import { Socket } from 'node:net';
import type { FailureMode } from '../gate/messages.ts';

/** In the environment of an engine: descriptors of group and socket, failure mode. */
const VARIABLE = 'ASSAY_ENGINE_SUPERVISION';

/** What engine and supervisor say to each other over their socket, one byte each. Any other byte is a heartbeat. */
export const READY = 0x52;
export const GO = 0x47;
/** What is opened from now on is asked about. */
export const WATCHING = 0x57;
/** The engine ends in order; nobody is to start another one. */
export const END = 0x45;

/** What an engine inherits that a supervisor started. */
export interface Supervision {
  /** The fanotify group, which the supervisor holds, too. */
  readonly group: number;
  readonly socket: number;
  readonly failure: FailureMode;
}

export function supervisionText({ group, socket, failure }: Supervision): string {
  return `${group} ${socket} ${failure}`;
}

/** @returns undefined where no supervisor started this process */
export function inheritedSupervision(): Supervision | undefined {
  const [, group, socket, failure] = /^(\d+) (\d+) (open|closed)$/.exec(process.env[VARIABLE] ?? '') ?? [];
  if (group === undefined || socket === undefined) return undefined;
  return { group: Number(group), socket: Number(socket), failure: failure === 'closed' ? 'closed' : 'open' };
}

export function supervisedEnvironment(supervision: Supervision): NodeJS.ProcessEnv {
  return { ...process.env, [VARIABLE]: supervisionText(supervision) };
}

/** The engine's end of the socket. */
export class SupervisorLink {
  readonly #socket: Socket;
  readonly #go = Promise.withResolvers<void>();
  #isLost = false;

  /** @param lost called when the supervisor is gone */
  constructor(descriptor: number, lost: () => void) {
    this.#socket = new Socket({ fd: descriptor, readable: true, writable: true });
    this.#socket.on('data', (bytes) => {
      if (bytes.includes(GO)) this.#go.resolve();
    });
    this.#socket.once('close', () => {
      this.#isLost = true;
      this.#go.resolve();
      lost();
    });
    this.#socket.on('error', () => this.#socket.destroy());
    this.#socket.unref();
  }

  get isLost(): boolean {
    return this.#isLost;
  }

  /** Says that the reading thread is ready. @returns when the supervisor reads no more events, or is gone */
  async takeOver(): Promise<void> {
    this.#socket.ref();
    this.#socket.write(Uint8Array.of(READY));
    await this.#go.promise;
    this.#socket.unref();
  }

  /** Says that what is opened from now on is asked about. */
  watches(): void {
    if (!this.#isLost) this.#socket.write(Uint8Array.of(WATCHING));
  }
}
