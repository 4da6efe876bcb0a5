import { closeSync } from 'node:fs';
import { isatty } from 'node:tty';
import { labelFiles, type LabelJob } from '@assay/linux/labels';
import { TreeWalk, type TreeOptions } from '@assay/linux/tree';
import type { z } from 'zod';
import { EXIT } from '../exit.ts';
import { Progress } from '../output/progress.ts';
import type { TreeCommandOptions } from './options.ts';
import { LabelReport } from './report.ts';

type Options = z.infer<typeof TreeCommandOptions>;

const COUNT_AT_ONCE = 200;

/**
 * Does a job to every file under the paths and reports on it. SIGINT and SIGTERM end it after the files that are being
 * worked on.
 * @param schema of the document of `-o json`
 */
export async function overTree(
  paths: readonly string[],
  options: Options,
  job: LabelJob,
  schema: string,
): Promise<number> {
  const roots = paths.map((path) => Buffer.from(path));
  const walk = new TreeWalk(options);
  const report = new LabelReport(schema, job, options);
  const progress = new Progress('files');
  using stop = new Stop();
  if (isatty(2)) void expectTotal(progress, roots, options, stop);
  for await (const file of labelFiles(walk.files(roots), job, options.threads)) {
    await report.add(file);
    progress.report(report.files, report.bytes);
    if (stop.asked) break;
  }
  progress.end();
  await report.end(walk.skipped, stop.asked);
  return stop.asked ? EXIT.interrupted : report.exitCode;
}

/** Listens to signals as long as the work goes on. */
export class Stop implements Disposable {
  asked = false;
  readonly #ask = (): void => {
    this.asked = true;
  };

  constructor() {
    process.on('SIGINT', this.#ask).on('SIGTERM', this.#ask);
  }

  [Symbol.dispose](): void {
    this.asked = true; // Who counts beside ends too.
    process.off('SIGINT', this.#ask).off('SIGTERM', this.#ask);
  }
}

/** Walks ahead, a few files in each turn, so that the remaining time can be told. */
export async function expectTotal(
  progress: Progress,
  roots: readonly Buffer[],
  options: TreeOptions,
  stop: { readonly asked: boolean },
): Promise<void> {
  let bytes = 0;
  let count = 0;
  for (const each of new TreeWalk(options).files(roots)) {
    if (each.kind === 'file') {
      closeSync(each.fd);
      bytes += each.size;
    }
    count += 1;
    if (count % COUNT_AT_ONCE === 0) await new Promise((resolve) => setImmediate(resolve));
    if (stop.asked) return;
  }
  progress.expect(bytes);
}
