import type { createColors } from 'picocolors';
import type { AgentPhase } from '@assay/agent';
import type { Verdict } from '@assay/wire';
import { colours, shown } from '../output/terminal.ts';

/** What `assay up` says while it runs: a line when something changes, nothing while nothing does. */
export class Console {
  readonly #colour: ReturnType<typeof createColors> = colours(1);
  readonly #last = new Map<string, string>();

  section(title: string, lines: readonly string[]): void {
    const [first = '', ...others] = lines;
    process.stdout.write(`  ${this.#colour.dim(title.padEnd(10))}${shown(first)}\n`);
    for (const line of others) process.stdout.write(`  ${' '.repeat(10)}${shown(line)}\n`);
  }

  /** What a part of the program says of itself. */
  log(part: string, line: string): void {
    this.line(`${part}  ${shown(line)}`);
  }

  line(text: string): void {
    process.stdout.write(`${this.#colour.dim(new Date().toTimeString().slice(0, 8))}  ${text}\n`);
  }

  /** Tells of an agent's phase unless it is what was told last of that host. */
  agent(host: string, phase: AgentPhase): void {
    const text = this.#textOf(phase);
    if (text === '' || this.#last.get(host) === text) return;
    this.#last.set(host, text);
    this.line(`${host}  ${text}`);
  }

  #textOf(phase: AgentPhase): string {
    if (phase.phase === 'enrolling') return 'enrols: its TPM proves that it holds both keys';
    if (phase.phase === 'retrying') return `${this.#colour.yellow('agent')} ${shown(phase.error.message)}`;
    if (phase.phase === 'waiting') return `${this.#colour.yellow('waits')}  ${shown(phase.error.message)}`;
    if (phase.phase === 'attesting') return '';
    if (phase.phase === 'renewing') return 'makes another attestation key, and its TPM proves it';
    if (phase.phase === 'not-renewed')
      return `${this.#colour.yellow('agent')} keeps its attestation key: ${shown(phase.error.message)}`;
    const { verdict, sentence } = phase.reply;
    return `${this.#verdict(verdict)}  ${withoutCounts(verdict, shown(sentence))}`;
  }

  #verdict(verdict: Verdict): string {
    const { green, red, yellow, cyan, dim } = this.#colour;
    return { trusted: green, warning: yellow, failed: red, stale: yellow, unverified: cyan, pending: dim }[verdict](
      verdict,
    );
  }
}

/** Counts grow with every entry; a green or unjudged host is told of once. */
function withoutCounts(verdict: Verdict, sentence: string): string {
  return verdict === 'trusted' || verdict === 'unverified'
    ? sentence.replace(/\d+ entr(?:y|ies)/, 'the list')
    : sentence;
}
