import type { FailureMode } from '../gate/messages.ts';
import { Supervisor } from './supervisor.ts';

// The supervisor that an engine starts when its own one is gone.

/** The only argument, as JSON. */
export interface AdoptionSetup {
  readonly command: readonly [string, ...string[]];
  readonly failure: FailureMode;
  readonly reportsThreads: boolean;
  /** Of the engine. */
  readonly pid: number;
  readonly isReady: boolean;
}

const GROUP = 3;
const SOCKET = 4;

function isSetup(value: unknown): value is AdoptionSetup {
  return typeof value === 'object' && value !== null && 'command' in value && 'pid' in value;
}

if (import.meta.main) {
  const setup: unknown = JSON.parse(process.argv[2] ?? '');
  if (!isSetup(setup)) throw new Error('this module is started by an engine');
  const { pid, isReady, ...options } = setup;
  process.stderr.on('error', () => undefined); // Who read what the first supervisor said may be gone as well.
  const log = (line: string): void => void process.stderr.write(`${line}\n`);
  const running = { pid, socket: SOCKET, isReady };
  const supervisor = new Supervisor({ ...options, group: GROUP, running, log });
  log(`process ${process.pid} supervises the engine`);
  process.exitCode = await supervisor.run();
}
