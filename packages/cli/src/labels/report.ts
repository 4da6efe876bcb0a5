import { once } from 'node:events';
import { printable, toHex } from '@assay/core/bytes';
import type { LabelJob, LabelledFile, LabelResult, LabelState } from '@assay/linux/labels';
import type { SkippedCounts } from '@assay/linux/tree';
import { EXIT } from '../exit.ts';
import { jsonText } from '../output/report.ts';
import { colours, shown } from '../output/terminal.ts';

const PRIVILEGE = new Set(['NOT-PERMITTED', 'EACCES', 'EPERM']);

/** How each state is told in a summary. */
const STATES: Readonly<Record<LabelState, string>> = {
  changed: 'labelled',
  unchanged: 'were right already',
  'would-change': 'would be labelled',
  kept: 'keep their signature',
  right: 'right',
  wrong: 'wrong',
  computed: 'computed',
  failed: 'failed',
};

const SKIPPED: Readonly<Record<keyof SkippedCounts, string>> = {
  special: 'special files',
  symbolicLinks: 'symbolic links',
  hardLinks: 'further names of files',
  excluded: 'excluded',
  fileSystems: 'other file systems',
};

interface Options {
  readonly output: 'text' | 'json';
  readonly verbose: boolean;
}

/** Writes what became of the files, as it comes, and counts. */
export class LabelReport {
  readonly #json: boolean;
  readonly #shows: (state: LabelState) => boolean;
  readonly #verifies: boolean;
  readonly #started = performance.now();
  readonly #counts: Record<LabelState, number> = {
    changed: 0,
    unchanged: 0,
    'would-change': 0,
    kept: 0,
    right: 0,
    wrong: 0,
    computed: 0,
    failed: 0,
  };
  #text: string;
  #privilegeOnly = true;
  files = 0;
  bytes = 0;

  constructor(schema: string, job: LabelJob, { output, verbose }: Options) {
    this.#json = output === 'json';
    this.#shows = (state) => verbose || ['would-change', 'wrong', 'failed', 'computed'].includes(state);
    this.#verifies = job.kind === 'verify' || job.kind === 'evm-verify';
    this.#text = this.#json ? `${jsonText({ schema }).slice(0, -1)},"files":[` : '';
  }

  async add({ path, size, result }: LabelledFile): Promise<void> {
    const { state, code = '' } = result;
    const first = this.files === 0;
    this.files += 1;
    this.bytes += size;
    this.#counts[state] += 1;
    if (state === 'failed' && !PRIVILEGE.has(code)) this.#privilegeOnly = false;
    const name = printable(path);
    if (this.#json) this.#text += `${first ? '' : ','}\n${jsonText(rowOf(name, result))}`;
    else if (this.#shows(state)) this.#text += lineOf(name, result);
    if (this.#text.length > 65_536) await this.#flush();
  }

  async end(skipped: SkippedCounts, interrupted: boolean): Promise<void> {
    if (this.#json) {
      const { files, bytes } = this;
      const seconds = Number(this.#seconds().toFixed(3));
      const summary = { files, bytes, seconds, ...this.#counts, skipped, interrupted };
      this.#text += `\n],${jsonText({ summary }).slice(1)}\n`;
    } else this.#text += this.#summary(skipped, interrupted);
    await this.#flush();
  }

  /** What is verified and wrong comes before what could not be done. */
  get exitCode(): number {
    const { wrong, failed } = this.#counts;
    if (wrong > 0) return EXIT.no;
    if (failed > 0) return this.#privilegeOnly ? EXIT.notPermitted : EXIT.unreadable;
    return this.files === 0 && this.#verifies ? EXIT.unreadable : EXIT.fine;
  }

  #seconds(): number {
    return (performance.now() - this.#started) / 1000;
  }

  #summary(skipped: SkippedCounts, interrupted: boolean): string {
    const colour = colours(1);
    const seconds = this.#seconds();
    const size = `${(this.bytes / 1e6).toFixed(1)} MB`;
    const states = countsText(this.#counts, STATES);
    const left = countsText(skipped, SKIPPED);
    const good = this.exitCode === EXIT.fine && !interrupted;
    const counts = `${this.files} ${this.files === 1 ? 'file' : 'files'} (${size}) in ${seconds.toFixed(1)} s`;
    const text = `${counts}${states === '' ? '' : `: ${states}`}`;
    return [
      `${good ? colour.green(text) : colour.red(text)}\n`,
      left === '' ? '' : colour.dim(`left out: ${left}\n`),
      interrupted ? 'interrupted: the same command goes on with what is left\n' : '',
    ].join('');
  }

  async #flush(): Promise<void> {
    const text = this.#text;
    this.#text = '';
    if (!process.stdout.write(text)) await once(process.stdout, 'drain');
  }
}

function countsText<K extends string>(counts: Readonly<Record<K, number>>, words: Readonly<Record<K, string>>): string {
  const texts: string[] = [];
  for (const key in words) if (counts[key] > 0) texts.push(`${counts[key]} ${words[key]}`);
  return texts.join(', ');
}

function rowOf(path: string, { state, label, digest, code, message }: LabelResult): object {
  return {
    path,
    state,
    ...(label === undefined ? {} : { label: toHex(label) }),
    ...(digest === undefined ? {} : { digest: `${digest.algorithm}:${toHex(digest.value)}` }),
    ...(code === undefined ? {} : { code }),
    ...(message === undefined ? {} : { message }),
  };
}

function lineOf(path: string, { state, digest, code, message }: LabelResult): string {
  const colour = colours(1);
  const bad = state === 'wrong' || state === 'failed';
  if (state === 'computed' && digest !== undefined) return `${digest.algorithm}:${toHex(digest.value)} ${path}\n`;
  const reason = [code, message].filter((part) => part !== undefined).join(': ');
  return `${bad ? colour.red(state) : state} ${path}${reason === '' ? '' : `  ${shown(reason)}`}\n`;
}
