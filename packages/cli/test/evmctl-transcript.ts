/** A command line of a transcript of evmctl, and what it did. */
export interface Step {
  readonly section: string;
  /** Words behind `evmctl`. */
  readonly words: readonly string[];
  /** How often the same command line came before. */
  readonly occurrence: number;
  /** The comment above it, such as the name of a measurement list. */
  readonly comment: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number;
  /** Extended attributes of the file `f` afterwards; long values are cut off. */
  readonly xattrs: ReadonlyMap<string, string>;
}

/** Reads the lines `$ command`, `1| stdout`, `2| stderr`, `rc=code` and `x| name=value`. */
export function readTranscript(text: string): Step[] {
  const steps: Step[] = [];
  const seen = new Map<string, number>();
  let [section, comment] = ['', ''];
  for (const block of text.split(/^(?=\$ |### |# )/m)) {
    const [first = '', ...lines] = block.split('\n');
    if (first.startsWith('### ')) [section, comment] = [first.slice(4), ''];
    else if (first.startsWith('# ')) comment = first.slice(2);
    else if (first.startsWith('$ ')) {
      const occurrence = seen.get(first) ?? 0;
      seen.set(first, occurrence + 1);
      const words = first
        .replace(/^.*?evmctl ?/, '')
        .split(' ')
        .filter((word) => word !== '');
      steps.push({ section, comment, words, occurrence, ...outcome(lines) });
    }
  }
  return steps;
}

function outcome(lines: readonly string[]): Pick<Step, 'stdout' | 'stderr' | 'code' | 'xattrs'> {
  const of = (mark: string) => lines.flatMap((line) => (line.startsWith(mark) ? [line.slice(mark.length)] : []));
  const [code = ''] = of('rc=');
  const xattrs = of('x| ').map((line): [string, string] => {
    const [name = '', value = ''] = line.split('=0x');
    return [name, value];
  });
  const text = (mark: string) =>
    of(mark)
      .map((line) => `${line.replace(/^ /, '')}\n`)
      .join('');
  return { stdout: text('1|'), stderr: text('2|'), code: Number(code), xattrs: new Map(xattrs) };
}
