// Milliseconds of single openings and executions, as JSON on standard output: MODE PATH... One process for all, so that each
// is measured beside the others.
import { createHash, hash } from 'node:crypto';
import { closeSync, existsSync, openSync, readSync, writeFileSync } from 'node:fs';
import { executeToEnd } from '@assay/testkit/files';

const PART = 128 * 1024;
const buffer = Buffer.allocUnsafeSlow(2 * PART);

/** As fast as Node can: small files in one call. */
function digest(fd: number): void {
  const first = readSync(fd, buffer, 0, buffer.length, 0);
  if (first < buffer.length) {
    hash('sha256', buffer.subarray(0, first));
    return;
  }
  const whole = createHash('sha256').update(buffer);
  for (let at = first, length = first; length > 0; at += length) {
    length = readSync(fd, buffer, 0, PART, at);
    whole.update(buffer.subarray(0, length));
  }
  whole.digest();
}

function milliseconds(action: () => void): number {
  const started = performance.now();
  action();
  return performance.now() - started;
}

function opened(path: string, then: (fd: number) => void): number {
  return milliseconds(() => {
    const fd = openSync(path, 'r');
    then(fd);
    closeSync(fd);
  });
}

function executed(path: string): number {
  return milliseconds(() => {
    const status = executeToEnd(path);
    if (status !== 0) throw new Error(`${path} ended with status ${status}`);
  });
}

function untilStopped(path: string): number[] {
  const found = [executed(path)];
  writeFileSync(`${path}.begun`, '');
  while (!existsSync(`${path}.stop`)) found.push(executed(path));
  return found.slice(1);
}

const [mode = '', ...paths] = process.argv.slice(2);
/** One number for each path, in its order; of `run` as many as fit between PATH.begun, which it makes, and PATH.stop. */
const modes: Readonly<Record<string, (path: string, index: number) => number | number[]>> = {
  execute: executed,
  open: (path) => opened(path, () => undefined),
  hash: (path) => opened(path, digest),
  /** Every second one is hashed here; the others are opened, which lets another process hash them. */
  first: (path, index) => opened(path, index % 2 === 0 ? digest : () => undefined),
  run: untilStopped,
};
const measure = modes[mode];
if (measure === undefined) throw new Error(`there is no mode ${mode}`);
process.stdout.write(JSON.stringify(paths.flatMap(measure)));
