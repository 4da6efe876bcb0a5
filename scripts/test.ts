// Runs the tests: `npm test`, or some of them: `npm test -- packages/core`
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { run } from 'node:test';
import { FileReport, printSummary } from './test-report.ts';
import { ROOT } from './workspace.ts';

const TEST_FILES = ['packages/*/test/**/*.test.ts', 'scripts/test/**/*.test.ts'];
const FILES_AT_ONCE = 2;
const FILE_LIMIT_MS = 5 * 60 * 1000;

/** Test files below `root`, relative to it; with filters, those whose path contains one of them. */
export function testFiles(root: string, filters: readonly string[]): string[] {
  const files = globSync(TEST_FILES, { cwd: root, exclude: ['**/node_modules/**'] }).toSorted();
  return filters.length === 0 ? files : files.filter((file) => filters.some((filter) => file.includes(filter)));
}

/** One file in a process of its own, which is ended at the time limit: node's `timeout` ends only single tests. */
async function runFile(root: string, file: string): Promise<FileReport> {
  const events = run({
    files: [join(root, file)],
    cwd: root,
    isolation: 'process',
    signal: AbortSignal.timeout(FILE_LIMIT_MS),
  });
  const report = new FileReport(file, events);
  events.resume();
  await finished(events);
  process.stdout.write(report.text());
  return report;
}

async function runInTurn(root: string, queue: string[], reports: FileReport[]): Promise<void> {
  for (let file = queue.shift(); file !== undefined; file = queue.shift()) reports.push(await runFile(root, file));
}

/** Runs all `files`, prints what happened, and says whether all is well. */
export async function runTests(root: string, files: readonly string[]): Promise<boolean> {
  const started = performance.now();
  const queue = [...files];
  const reports: FileReport[] = [];
  await Promise.all(Array.from({ length: FILES_AT_ONCE }, () => runInTurn(root, queue, reports)));
  return printSummary(reports, performance.now() - started);
}

if (import.meta.main) {
  // `su` without a dash gives root a PATH without these, where mkfs.ext4 is.
  process.env['PATH'] = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`;
  // It says itself what is missing; tests that need it then fail or are skipped with the line that installs it.
  spawnSync(join(ROOT, 'scripts/system-packages'), { stdio: ['ignore', 'inherit', 'inherit'] });
  const filters = process.argv.slice(2);
  const files = testFiles(ROOT, filters);
  if (files.length === 0) console.error(`no test file matches ${filters.join(' ') || TEST_FILES.join(' ')}`);
  process.exitCode = (await runTests(ROOT, files)) ? 0 : 1;
}
