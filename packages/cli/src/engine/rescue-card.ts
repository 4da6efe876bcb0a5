/** What the way out depends on. */
export interface RescueSetting {
  readonly directory: string;
  /** Of the process that ends all in order, and of the one that it supervises. */
  readonly pids: readonly number[];
  /** Seconds; 0: never. */
  readonly confirmWithin: number;
  readonly mounts: readonly string[];
  /** What becomes of openings while a supervisor has no engine; undefined without a supervisor. */
  readonly supervision: 'open' | 'closed' | undefined;
  /** Whether systemd starts the engine, and starts it anew when it was killed. */
  readonly isService: boolean;
}

/** What to do when a program that is needed is refused; printed before anything is. */
export function rescueCard(setting: RescueSetting): string[] {
  const { directory, confirmWithin, mounts } = setting;
  const back =
    confirmWithin === 0
      ? 'Nothing brings it back to log by itself (--confirm-within 0).'
      : `In ${confirmWithin} seconds the mode is log again, unless you confirm: assay engine confirm --directory ${directory}`;
  return [
    `From now on programs on ${mounts.join(', ')} that fail appraisal get EPERM.`,
    back,
    `Let everything pass for ten minutes:  assay engine pause --for 10m --directory ${directory}`,
    ...(setting.isService ? wayOutOfService(setting) : wayOut(setting)),
    `What was refused, and why:            tail ${directory}/audit.jsonl; journalctl -t assay-engine`,
    'Before the next time:                 assay policy simulate POLICY --root MOUNT --verify',
  ];
}

function wayOut({ pids, supervision }: RescueSetting): string[] {
  const all = pids.join(' ');
  const gone = pids.length > 1 ? 'With both gone' : 'With the engine gone';
  return [
    `Without assay, from any shell:        kill ${pids[0]}   (kill -9 ${all} if that does not help)`,
    `${gone} everything runs; nothing is left behind in the kernel.`,
    ...(supervision === 'closed'
      ? ['Kill not one of both alone: what is opened is refused until the next one answers.']
      : []),
  ];
}

/** Killed, the service is started anew, and with `closed` systemd keeps what waits for it. */
function wayOutOfService({ supervision }: RescueSetting): string[] {
  const killed =
    supervision === 'closed'
      ? 'Do not kill it: systemd starts it anew, and what is opened waits for it or is refused.'
      : 'Killed, everything runs until systemd starts it anew, some seconds later.';
  return [
    'Without assay, from any shell:        systemctl stop assay-engine',
    'Stopped so, everything runs; nothing is left behind in the kernel.',
    killed,
  ];
}
