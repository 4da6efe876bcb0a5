// For a Node that runs the sources: keeps what it compiles of them, so that a command starts in half the time.
import { existsSync, lstatSync, mkdirSync, readFileSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { userInfo } from 'node:os';
import { join } from 'node:path';

const MEASURED = '/sys/kernel/security/ima/runtime_measurements_count';

/**
 * Whoever writes there decides what runs. So the home is that of the user database, not that of the environment, which
 * sudo may have left as it was; and it and what leads to the directory is this user's alone. Without such a one each start
 * compiles anew, and so it does where a kernel measures what root reads: nobody knows the digests of what is kept.
 */
export function keepCompiled(homeOf = () => userInfo().homedir, measured = MEASURED) {
  try {
    if (isMeasuring(measured)) return false;
    const directory = directoryIn(homeOf());
    if (directory !== undefined) enableCompileCache(directory);
    return directory !== undefined;
  } catch {
    return false;
  }
}

/** Only root can read the count, and what others read is of no interest to the kernel's own policies. */
function isMeasuring(count) {
  const isKnown = existsSync(count) && process.geteuid() === 0;
  return isKnown && Number(readFileSync(count, 'latin1')) > 1; // The first entry is boot_aggregate.
}

/** Step by step: mkdir of a whole path does not end in file systems that cannot have it, such as /proc. */
function directoryIn(home) {
  let directory = home;
  for (const name of ['.cache', 'assay', 'compiled']) {
    if (!isOwn(directory)) return undefined;
    directory = join(directory, name);
    if (!existsSync(directory)) mkdirSync(directory, { mode: 0o700 });
  }
  return isOwn(directory) ? directory : undefined;
}

/** A directory, no link to one, to which nobody else can write. */
function isOwn(directory) {
  const found = lstatSync(directory);
  return found.isDirectory() && found.uid === process.geteuid() && (found.mode & 0o022) === 0;
}
