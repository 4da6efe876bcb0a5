import { printPolicy, type PolicyLine } from '@assay/core/policy';

/** Lines around a change, as diff(1) has them. */
const CONTEXT = 3;

interface Change {
  /** Place of the line in the old policy, from 0. */
  readonly at: number;
  readonly before: PolicyLine;
  readonly after: PolicyLine | undefined;
}

/** The difference as patch(1) takes it; empty where there is none. */
export function* policyDiff(
  path: string,
  before: readonly PolicyLine[],
  after: readonly PolicyLine[],
): Generator<string> {
  const left = new Map(after.map((line) => [line.number, line]));
  const lines = before.map((line, at): Change => ({ at, before: line, after: left.get(line.number) }));
  const changed = lines.filter(isChanged);
  if (changed.length === 0) return;
  yield `--- ${path}\n+++ ${path}\n`;
  let gone = 0;
  for (const { start, end } of hunks(changed, lines.length)) {
    const part = lines.slice(start, end);
    const kept = part.filter((change) => change.after !== undefined).length;
    yield `@@ -${range(start, part.length)} +${range(start - gone, kept)} @@\n`;
    yield* part.flatMap(hunkLines);
    gone += part.length - kept;
  }
}

function isChanged({ before, after }: Change): boolean {
  return after === undefined || printPolicy([before]) !== printPolicy([after]);
}

interface Hunk {
  readonly start: number;
  /** Behind the last line. */
  readonly end: number;
}

/** Changes with their context, those joined that touch. */
function hunks(changed: readonly Change[], length: number): readonly Hunk[] {
  const all: Hunk[] = [];
  for (const { at } of changed) {
    const hunk = { start: Math.max(0, at - CONTEXT), end: Math.min(length, at + CONTEXT + 1) };
    const last = all.at(-1);
    if (last === undefined || last.end < hunk.start) all.push(hunk);
    else all.splice(-1, 1, { start: last.start, end: hunk.end });
  }
  return all;
}

/** An empty range stands behind the line whose number it has. */
function range(start: number, length: number): string {
  return `${length === 0 ? start : start + 1},${length}`;
}

function hunkLines(change: Change): string[] {
  if (!isChanged(change)) return [marked(' ', change.before)];
  return [marked('-', change.before), ...(change.after === undefined ? [] : [marked('+', change.after)])];
}

function marked(sign: string, line: PolicyLine): string {
  return `${sign}${printPolicy([{ ...line, end: '' }])}\n${line.end === '' ? '\\ No newline at end of file\n' : ''}`;
}
