// Checks the direction rules of .dependency-cruiser.mjs: `node scripts/directions.ts`
import { resolve } from 'node:path';
import { cruise, type ICruiseResult, type IViolation } from 'dependency-cruiser';
import extractDepcruiseOptions from 'dependency-cruiser/config-utl/extract-depcruise-options';
import { ROOT, sourceFiles } from './workspace.ts';

const RULES = resolve(ROOT, '.dependency-cruiser.mjs');

export interface DirectionReport {
  /** How many source files were read for their imports. */
  readonly visited: number;
  /** One line per broken rule or file that was not visited. */
  readonly problems: readonly string[];
}

/** Runs the rules over all source files under `root`. */
export async function checkDirections(root: string): Promise<DirectionReport> {
  const files = sourceFiles(root);
  return reportOn(files, await cruiseFiles(root, files));
}

export async function cruiseFiles(root: string, files: string[]): Promise<ICruiseResult> {
  const options = await extractDepcruiseOptions(RULES);
  const { output } = await cruise(files, { ...options, baseDir: root, validate: true });
  if (typeof output === 'string') throw new TypeError('dependency-cruiser answered with text, not with a result');
  return output;
}

/** What `result` says of `files`. */
export function reportOn(files: readonly string[], result: ICruiseResult): DirectionReport {
  const missed = notVisited(files, result);
  return { visited: files.length - missed.length, problems: [...missed.map(missedLine), ...violationLines(result)] };
}

/** With a TypeScript that it cannot load, dependency-cruiser visits no module and reports no violation. */
function notVisited(files: readonly string[], result: ICruiseResult): string[] {
  const visited = new Set(result.modules.map((module) => module.source));
  return files.filter((file) => !visited.has(file));
}

function missedLine(file: string): string {
  return `${file}: was not visited, so nothing is known of its imports`;
}

function violationLines(result: ICruiseResult): string[] {
  const comments = new Map((result.summary.ruleSetUsed?.forbidden ?? []).map((rule) => [rule.name, rule.comment]));
  return result.summary.violations.map((violation) => violationLine(violation, comments.get(violation.rule.name)));
}

function violationLine(violation: IViolation, comment: string | undefined): string {
  const path = violation.cycle?.map((step) => step.name).join(' -> ') ?? violation.to;
  return `${violation.from} -> ${path}: ${violation.rule.name} (${comment ?? 'no comment'})`;
}

async function main(): Promise<number> {
  const { visited, problems } = await checkDirections(ROOT);
  for (const problem of problems) console.error(problem);
  console.log(`directions: ${visited} modules visited, ${problems.length} problems`);
  return problems.length > 0 || visited === 0 ? 1 : 0;
}

if (import.meta.main) process.exitCode = await main();
