import type { AppraiseMode } from '@assay/core/appraisal';
import type { Engine } from '../options.ts';
import type { ControlRequest, RunningStatus } from './protocol.ts';

export interface OperatorOptions {
  /**
   * The dead-man timer: how many seconds `enforce` lasts until somebody confirms that the machine can still be used; 0 for
   * machines that nobody watches.
   */
  readonly confirmWithin: number;
  readonly auditsDropped?: () => number;
}

/** Does what operators ask of a running engine, and what has to happen when they do not. */
export class Operator {
  readonly #engine: Engine;
  readonly #options: OperatorOptions;
  readonly #since = new Date();
  #deadMan: Timer | undefined;
  #pause: Timer | undefined;

  constructor(engine: Engine, options: OperatorOptions) {
    this.#engine = engine;
    this.#options = options;
    this.#arm(engine.status().appraise);
  }

  /** @throws RangeError where the engine has no policy, so that there is nothing to pause or to confirm */
  handle(request: ControlRequest): RunningStatus {
    switch (request.command) {
      case 'status':
        break;
      case 'confirm':
        this.#deadMan = stopped(this.#deadMan);
        break;
      case 'pause':
        this.#pauseFor(request.seconds);
        break;
      case 'resume':
        this.#resume('operator');
        break;
      case 'mode':
        this.#engine.setMode(request.mode, 'operator');
        this.#arm(request.mode);
        break;
      default:
        request satisfies never;
    }
    return this.status();
  }

  status(): RunningStatus {
    const { auditsDropped } = this.#options;
    return {
      ...this.#engine.status(),
      directory: this.#engine.directory,
      pid: process.pid,
      since: this.#since.toISOString(),
      ...(this.#deadMan === undefined ? {} : { confirmBy: this.#deadMan.at.toISOString() }),
      ...(this.#pause === undefined ? {} : { pausedUntil: this.#pause.at.toISOString() }),
      auditsDropped: auditsDropped?.() ?? 0,
    };
  }

  /** Nothing happens by itself any more. */
  end(): void {
    this.#deadMan = stopped(this.#deadMan);
    this.#pause = stopped(this.#pause);
  }

  #arm(mode: AppraiseMode | undefined): void {
    this.#deadMan = stopped(this.#deadMan);
    const { confirmWithin } = this.#options;
    if (mode !== 'enforce' || confirmWithin === 0) return;
    this.#deadMan = timer(confirmWithin, () => {
      this.#deadMan = undefined;
      this.#engine.setMode('log', 'not confirmed');
    });
  }

  #pauseFor(seconds: number): void {
    this.#engine.setPaused(true, 'operator');
    stopped(this.#pause);
    this.#pause = timer(seconds, () => this.#resume('time is over'));
  }

  #resume(reason: string): void {
    this.#pause = stopped(this.#pause);
    this.#engine.setPaused(false, reason);
  }
}

interface Timer {
  readonly at: Date;
  readonly handle: NodeJS.Timeout;
}

function timer(seconds: number, then: () => void): Timer {
  return { at: new Date(Date.now() + seconds * 1000), handle: setTimeout(then, seconds * 1000) };
}

function stopped(given: Timer | undefined): undefined {
  if (given !== undefined) clearTimeout(given.handle);
}
