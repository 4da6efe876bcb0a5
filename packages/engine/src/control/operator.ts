import type { AppraiseMode } from '@assay/core/appraisal';
import type { Engine } from '../options.ts';
import type { ControlRequest, PromptRequest, RunningStatus } from './protocol.ts';

export interface OperatorOptions {
  /**
   * The dead-man timer: how many seconds `enforce` lasts until somebody confirms that the machine can still be used; 0 for
   * machines that nobody watches.
   */
  readonly confirmWithin: number;
  readonly auditsDropped?: () => number;
  /** Lets the engine answer by the policy in a file, where that may be. */
  readonly load?: (path: string) => Promise<void>;
}

/** Does what operators ask of a running engine, and what has to happen when they do not. */
export class Operator {
  readonly #engine: Engine;
  readonly #options: OperatorOptions;
  readonly #since = new Date();
  #deadMan: Timer | undefined;
  #pause: Timer | undefined;
  #isLoading = false;

  constructor(engine: Engine, options: OperatorOptions) {
    this.#engine = engine;
    this.#options = options;
    this.#arm(engine.status().appraise);
  }

  /** @throws as `handle` and `load` */
  async answer(request: ControlRequest): Promise<RunningStatus> {
    return request.command === 'load' ? this.load(request.path) : this.handle(request);
  }

  /** @throws RangeError where the engine has no policy, so that there is nothing to pause or to confirm */
  handle(request: PromptRequest): RunningStatus {
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

  /**
   * What the new policy refuses nobody has tried: it has to be confirmed, as at the start.
   * @throws RangeError where it may not be loaded now; what `load` of the options throws
   */
  async load(path: string): Promise<RunningStatus> {
    const { load } = this.#options;
    if (load === undefined || this.#isLoading) throw new RangeError('this engine takes no other policy now');
    this.#isLoading = true;
    try {
      await load(path);
    } finally {
      this.#isLoading = false;
    }
    this.#arm(this.#engine.status().appraise);
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
