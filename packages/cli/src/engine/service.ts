import { Socket } from 'node:net';
import { socketPair } from '@assay/linux/process';
import { serviceManager, type ServiceManager } from '@assay/linux/service';

/** What systemd is told of an engine, or of its supervisor. */
export class EngineService {
  readonly #manager: ServiceManager;
  readonly #log: (line: string) => void;
  #timer: NodeJS.Timeout | undefined;
  #pulse: Socket | undefined;
  #lastSign = 0;

  constructor(manager: ServiceManager, log: (line: string) => void) {
    this.#manager = manager;
    this.#log = log;
  }

  /** @returns undefined where no service manager listens */
  static find(log: (line: string) => void): EngineService | undefined {
    const manager = serviceManager();
    return manager === undefined ? undefined : new EngineService(manager, log);
  }

  /** Openings are answered. */
  ready(): void {
    this.#tell(() => this.#manager.tell('READY=1\nSTATUS=It answers what is opened.'));
  }

  /** The process is alive as long as its timers are. */
  beatByItself(): void {
    const { watchdog } = this.#manager;
    if (watchdog === undefined) return;
    this.#timer = setInterval(() => this.#beat(), watchdog / 3);
  }

  /** @returns the socket into which the thread that answers writes while it is alive; undefined where nobody waits for it */
  heartbeat(): number | undefined {
    const { watchdog } = this.#manager;
    if (watchdog === undefined) return undefined;
    const [own, its] = socketPair();
    this.#pulse = new Socket({ fd: own.fd, readable: true });
    this.#pulse.on('data', () => {
      if (performance.now() - this.#lastSign > watchdog / 3) this.#beat();
    });
    this.#pulse.on('error', () => this.#pulse?.destroy());
    this.#pulse.unref();
    return its.fd;
  }

  #beat(): void {
    this.#lastSign = performance.now();
    this.#tell(() => this.#manager.tell('WATCHDOG=1'));
  }

  /**
   * The group that the process before left, where it is of this kind; one of the other kind is let go.
   * @param reportsThreads of events (`SupervisorOptions`)
   */
  keptGroup(reportsThreads: boolean): number | undefined {
    const other = this.#manager.kept(groupName(!reportsThreads));
    if (other !== undefined) this.#tell(() => this.#manager.forget(groupName(!reportsThreads)));
    return this.#manager.kept(groupName(reportsThreads));
  }

  keepGroup(group: number, reportsThreads: boolean): void {
    if (!this.#manager.keepsDescriptors)
      this.#log('systemd does not start this process itself, and keeps no descriptor');
    else this.#tell(() => this.#manager.keep(groupName(reportsThreads), group));
  }

  /** In order: nothing is to wait for the next one. */
  ends(reportsThreads: boolean): void {
    clearInterval(this.#timer);
    this.#pulse?.destroy();
    this.#tell(() => this.#manager.tell('STOPPING=1'));
    if (this.#manager.keepsDescriptors) this.#tell(() => this.#manager.forget(groupName(reportsThreads)));
  }

  /** Not to be heard ends nothing. */
  #tell(say: () => void): void {
    try {
      say();
    } catch (error) {
      this.#log(`the service manager was not told: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}

function groupName(reportsThreads: boolean): string {
  return reportsThreads ? 'fanotify-threads' : 'fanotify-processes';
}
