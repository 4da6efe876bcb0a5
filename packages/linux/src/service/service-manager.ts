import { sendDatagram } from './send-descriptors.ts';

/** SD_LISTEN_FDS_START of sd_listen_fds(3) */
const FIRST_DESCRIPTOR = 3;
/** Of FDNAME= of sd_notify(3); what systemd takes is more. */
const NAME = /^[a-z0-9-]{1,64}$/;

/** systemd, or whoever else speaks sd_notify(3) to this process. */
export interface ServiceManager {
  /** How often `WATCHDOG=1` is to come at the latest, in milliseconds; undefined where nobody waits for it. */
  readonly watchdog: number | undefined;
  /** Whether it hands descriptors over to this very process, and would hand back what is kept. */
  readonly keepsDescriptors: boolean;
  /**
   * Says something, such as `READY=1`; newlines stand between several.
   * @throws SystemError SYSTEM-CALL, NOT-PERMITTED
   */
  tell(state: string): void;
  /** Has a descriptor kept for the next process of the service. @throws as `tell` */
  keep(name: string, fd: number): void;
  /** Has nothing kept under a name any more. @throws as `tell` */
  forget(name: string): void;
  /** The descriptor that an earlier process of the service left under a name. */
  kept(name: string): number | undefined;
}

/** @returns undefined where no service manager started this process */
export function serviceManager(environment: NodeJS.ProcessEnv = process.env): ServiceManager | undefined {
  const { NOTIFY_SOCKET: socket } = environment;
  if (socket === undefined || !/^[/@]./.test(socket)) return undefined;
  const left = keptDescriptors(environment);
  const tell = (state: string, descriptors: readonly number[] = []): void => sendDatagram(socket, state, descriptors);
  return {
    watchdog: watchdogOf(environment),
    keepsDescriptors: environment['SYSTEMD_EXEC_PID'] === String(process.pid),
    tell: (state) => tell(state),
    keep: (name, fd) => tell(`FDSTORE=1\nFDNAME=${checked(name)}`, [fd]),
    forget: (name) => tell(`FDSTOREREMOVE=1\nFDNAME=${checked(name)}`),
    kept: (name) => left.get(name),
  };
}

function checked(name: string): string {
  if (NAME.test(name)) return name;
  throw new RangeError(`${JSON.stringify(name)} names no descriptor`);
}

/** sd_listen_fds_with_names(3): meant for the process of that id alone. */
function keptDescriptors(environment: NodeJS.ProcessEnv): ReadonlyMap<string, number> {
  const { LISTEN_PID: pid, LISTEN_FDS: count = '', LISTEN_FDNAMES: names = '' } = environment;
  if (pid !== String(process.pid) || !/^\d{1,4}$/.test(count)) return new Map();
  const all = names.split(':').slice(0, Number(count));
  return new Map(all.map((name, index) => [name, FIRST_DESCRIPTOR + index]));
}

/** sd_watchdog_enabled(3) */
function watchdogOf({ WATCHDOG_USEC: usec = '', WATCHDOG_PID: pid }: NodeJS.ProcessEnv): number | undefined {
  const isMine = pid === undefined || pid === String(process.pid);
  return isMine && /^[1-9]\d{0,15}$/.test(usec) ? Number(usec) / 1000 : undefined;
}
