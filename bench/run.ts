// Runs one benchmark: `npm run bench -- NAME [ARGUMENTS]`; without a name it lists them.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const DIRECTORY = import.meta.dirname;

function benchmarks(): string[] {
  const files = readdirSync(DIRECTORY).filter((file) => file.endsWith('.ts') && file !== 'run.ts');
  return files.map((file) => file.slice(0, -'.ts'.length)).toSorted();
}

/** The first line of a benchmark is a comment that says what it measures. */
function description(name: string): string {
  const [first = ''] = readFileSync(join(DIRECTORY, `${name}.ts`), 'utf8').split('\n', 1);
  return first.replace(/^\/\/ */, '');
}

function list(): string {
  const lines = benchmarks().map((name) => `  ${name.padEnd(16)} ${description(name)}`);
  return `usage: npm run bench -- NAME [ARGUMENTS]\n\n${lines.join('\n') || '  (there is no benchmark yet)'}`;
}

async function main([name, ...rest]: readonly string[]): Promise<number> {
  if (name === undefined || !benchmarks().includes(name)) {
    console.log(list());
    return name === undefined ? 0 : 2;
  }
  const child = spawn(process.execPath, [join(DIRECTORY, `${name}.ts`), ...rest], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
  await once(child, 'exit');
  return child.exitCode ?? 1;
}

process.exitCode = await main(process.argv.slice(2));
