import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keepAnswers, programFiles, readAll } from '@assay/testkit/suites';
import { bootWords, type EngineQuestion } from './question.ts';

/** Far longer than it takes; what waits in the kernel for an engine that hangs goes on when it is killed. */
const LIMIT_MS = 15 * 60 * 1000;
const INSIDE = join(import.meta.dirname, 'inside.ts');

/**
 * The root of the machine with an empty /m, so that files have the paths that they had in the guest; in a mount namespace
 * that ends with the command.
 */
const PRIVATE_ROOT = `
set -e
root=$1
shift
mount -t tmpfs -o mode=755 tmpfs "$root"
mount --make-unbindable "$root"
for entry in /*; do
  if [ -L "$entry" ]; then cp -P "$entry" "$root$entry"
  elif [ -d "$entry" ] && [ "$entry" != /m ]; then mkdir "$root$entry"; mount --rbind "$entry" "$root$entry"
  fi
done
exec chroot "$root" "$@"`;

/**
 * Runs the program in a process of its own beside the engine, which answers in the place of the kernel. Needs root.
 * @returns what a guest would have left
 * @throws Error where the engine or the program fails, or the list does not lead to the PCRs
 */
export async function askEngine({ kernel, boot, program, files }: EngineQuestion): Promise<Map<string, Buffer>> {
  const directory = await mkdtemp(join(tmpdir(), 'assay-agreement-'));
  try {
    const root = join(directory, 'root');
    for (const path of [root, join(directory, 'out')]) await mkdir(path);
    for (const { path, data } of await programFiles(program)) await writeFile(join(directory, path), data);
    for (const [name, data] of files) await writeFile(join(directory, name), data);
    await keepAnswers(join(directory, 'kernel'), [{ kernel, asked: new Map(), files: new Map() }]);
    await run(root, [directory, program, ...bootWords(boot)]);
    return await readAll(join(directory, 'out'));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function run(root: string, words: readonly string[]): Promise<void> {
  const inside = [process.execPath, INSIDE, ...words];
  const options = ['--mount', '--propagation', 'private', 'sh', '-c', PRIVATE_ROOT, 'sh', root, ...inside];
  return new Promise((resolve, reject) => {
    const child = spawn('unshare', options, { stdio: ['ignore', 'inherit', 'pipe'] });
    const limit = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS);
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (part: string) => (said += part));
    child.once('error', reject);
    child.once('close', (status, signal) => {
      clearTimeout(limit);
      if (status === 0) resolve();
      else reject(new Error(`the engine's side ended with ${status ?? signal}: ${said.trim().slice(-2000)}`));
    });
  });
}
