type Log = (line: string) => void;

const AGAIN_MILLISECONDS = 60_000;
/** Lines that are remembered; more than these at once do not repeat each other. */
const LINES_LIMIT = 200;

interface Said {
  readonly at: number;
  /** How often it was not said since. */
  unsaid: number;
}

/** Says a line that comes again and again once a minute, and then how often it came: a store that is away fails everything. */
export function withoutRepeats(log: Log, now: () => number = Date.now): Log {
  const lines = new Map<string, Said>();
  return (line) => {
    const said = lines.get(line);
    if (said !== undefined && now() - said.at < AGAIN_MILLISECONDS) {
      said.unsaid += 1;
      return;
    }
    lines.delete(line); // The oldest comes first.
    lines.set(line, { at: now(), unsaid: 0 });
    const [oldest] = lines.keys();
    if (lines.size > LINES_LIMIT && oldest !== undefined) lines.delete(oldest);
    log(said === undefined || said.unsaid === 0 ? line : `${line} (${said.unsaid} times more since it was said)`);
  };
}
