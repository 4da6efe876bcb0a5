// For a Node that runs the sources: keeps what it compiles of them, so that a command starts in half the time.
import { existsSync, lstatSync, mkdirSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { userInfo } from 'node:os';
import { join } from 'node:path';

/**
 * Whoever writes there decides what runs. So the home is that of the user database, not that of the environment, which
 * sudo may have left as it was; and the directory is this user's alone. Without such a one each start compiles anew.
 */
export function keepCompiled(homeOf = () => userInfo().homedir) {
  try {
    const directory = directoryIn(homeOf());
    const { uid, mode } = lstatSync(directory);
    const own = uid === process.geteuid() && (mode & 0o022) === 0;
    if (own) enableCompileCache(directory);
    return own;
  } catch {
    return false;
  }
}

/** Step by step: mkdir of a whole path does not end in file systems that cannot have it, such as /proc. */
function directoryIn(home) {
  let directory = home;
  for (const name of ['.cache', 'assay', 'compiled']) {
    directory = join(directory, name);
    if (!existsSync(directory)) mkdirSync(directory, { mode: 0o700 });
  }
  return directory;
}
