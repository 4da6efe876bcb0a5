import { lstatSync, readdirSync } from 'node:fs';
import { Failure, pathOf, shown, type Run } from './run.ts';

/** What a command does with one file; in a tree it is called by its own name alone, as evmctl changes its directory. */
export type OnFile = (path: Uint8Array, name: Uint8Array) => Promise<void>;

/**
 * Calls `each` for a path, or with -r for the regular files below it. As with evmctl, every name of a file counts, and
 * a failure there is said and then forgotten.
 */
export async function overTree(run: Run, word: string, each: OnFile): Promise<void> {
  const { recursive, types } = run.settings;
  const path = pathOf(word);
  if (!recursive) return each(path, path);
  await below(run, Buffer.from(path), types === undefined ? { files: true } : chosenTypes(types, word), each);
}

interface Choice {
  readonly files: boolean;
  /** Of the file system that is not left. */
  readonly device?: bigint;
}

function chosenTypes(letters: string, path: string): Choice {
  const files = letters.includes('f');
  if (!letters.includes('m')) return { files };
  try {
    return { files, device: lstatSync(path, { bigint: true }).dev };
  } catch {
    throw new Failure(`Failed to stat: ${path}`);
  }
}

async function below(run: Run, directory: Buffer, choice: Choice, each: OnFile): Promise<void> {
  if (choice.device !== undefined && run.stat(directory)?.dev !== choice.device) return;
  const entries = run.attempt(() => readdirSync(directory, { withFileTypes: true, encoding: 'buffer' }));
  if (entries === undefined) throw new Failure(`Failed to open directory ${shown(directory)}`);
  for (const entry of entries) {
    const { name } = entry;
    const path = Buffer.concat([directory, Buffer.from('/'), name]);
    try {
      if (entry.isDirectory()) await below(run, path, choice, each);
      else if (entry.isFile() && choice.files) await each(path, name);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      if (error.message !== '') run.say(error.message);
    }
  }
}
