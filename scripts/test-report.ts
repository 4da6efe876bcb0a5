import type { EventData, TestsStream } from 'node:test';
import { stripVTControlCharacters, styleText } from 'node:util';

interface Ended {
  readonly file: string;
  readonly name: string;
  readonly nesting: number;
  readonly durationMs: number;
  readonly outcome: 'pass' | 'fail' | 'skip';
  readonly suite: boolean;
  /** Why it was skipped, or the error. */
  readonly detail: string;
}

/** What one test file did. */
export class FileReport {
  readonly #file: string;
  readonly #lines: string[] = [];
  readonly ended: Ended[] = [];

  constructor(file: string, events: TestsStream) {
    this.#file = file;
    events.on('test:pass', (data) => {
      this.#passed(data);
    });
    events.on('test:fail', (data) => {
      this.#end(data, 'fail', failureText(data.details.error));
    });
    for (const name of ['test:stdout', 'test:stderr'] as const) {
      events.on(name, (data: EventData.TestStdout) => this.#lines.push(data.message.trimEnd()));
    }
  }

  /** The tests in their order of ending, with what they printed. */
  text(): string {
    return `${styleText('bold', this.#file)}\n${this.#lines.join('\n')}\n\n`;
  }

  #passed(data: EventData.TestPass): void {
    const skipped = data.skip ?? data.todo;
    if (skipped !== undefined && skipped !== false) {
      this.#end(data, 'skip', skipped === true || skipped === '' ? 'no reason is given' : skipped);
    } else if (isWholeFile(data)) {
      this.#end(data, 'fail', 'the file holds no test');
    } else {
      this.#end(data, 'pass', '');
    }
  }

  #end(data: EventData.TestPass | EventData.TestFail, outcome: Ended['outcome'], detail: string): void {
    const name = isWholeFile(data) ? 'the file as a whole' : data.name;
    const suite = data.details.type === 'suite';
    const ended = { file: this.#file, name, nesting: data.nesting, suite, durationMs: data.details.duration_ms };
    this.ended.push({ ...ended, outcome, detail });
    this.#lines.push(`${'  '.repeat(data.nesting + 1)}${mark(outcome)} ${name} (${ended.durationMs.toFixed(1)} ms)`);
    if (outcome !== 'pass' && !onlyHoldsFailures(suite, detail)) {
      this.#lines.push(indented(detail, data.nesting + 3));
    }
  }
}

/** Node reports a file without tests, and one that ends badly, as a test with the path as its name. */
function isWholeFile({ name, file }: EventData.TestPass | EventData.TestFail): boolean {
  return name === file;
}

/** A suite fails when a test in it failed, and that one is reported. */
function onlyHoldsFailures(suite: boolean, detail: string): boolean {
  return suite && /^\d+ subtests? failed$/.test(detail);
}

function failureText(error: Error): string {
  const { cause = error } = error;
  if (!(cause instanceof Error)) return String(cause);
  const lines = stripVTControlCharacters(cause.stack ?? cause.message).split('\n');
  return lines.filter((line) => !/^ +at .*\(node:(internal|async_hooks)/.test(line)).join('\n');
}

function mark(outcome: Ended['outcome']): string {
  const marks = { pass: styleText('green', '✔'), fail: styleText('red', '✖'), skip: styleText('yellow', '﹣') };
  return marks[outcome];
}

function indented(text: string, levels: number): string {
  return text.replaceAll(/^/gm, '  '.repeat(levels));
}

/** Prints what was skipped and why, what failed, and the counts. True when something ran and nothing failed. */
export function printSummary(reports: readonly FileReport[], durationMs: number): boolean {
  const all = reports.flatMap((report) => report.ended);
  const skipped = all.filter((test) => test.outcome === 'skip');
  const failed = all.filter((test) => test.outcome === 'fail' && !onlyHoldsFailures(test.suite, test.detail));
  const passed = all.filter((test) => test.outcome === 'pass' && !test.suite);
  printList('skipped tests', skipped);
  printList('failed tests', failed);
  console.log(`ℹ tests ${passed.length + failed.length + skipped.length}`);
  console.log(`ℹ pass ${passed.length}\nℹ fail ${failed.length}\nℹ skipped ${skipped.length}`);
  console.log(`ℹ duration_ms ${durationMs.toFixed(0)}`);
  if (passed.length + failed.length === 0) console.error('no test ran');
  return passed.length > 0 && failed.length === 0;
}

function printList(title: string, list: readonly Ended[]): void {
  if (list.length === 0) return;
  const lines = list.map((test) => `  ${test.file}: ${test.name}\n${indented(test.detail, 2)}`);
  console.log(`${styleText('bold', title)}\n${lines.join('\n')}\n`);
}
