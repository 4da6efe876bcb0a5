/** What to do where the system refused to do something with a file, by the name of its error (errno(3)). */
const REMEDIES: Readonly<Record<string, string>> = {
  ENOENT: 'Check the path: it, or a directory on the way to it, is not there.',
  ENOTDIR: 'Check the path: something on the way to it is no directory.',
  EISDIR: 'Name a file: this is a directory.',
  EACCES: 'Run it as a user who may do this, such as root; or ask the owner of the file for the right to.',
  EPERM: 'Run it as root. If it is root, it runs in a container or under a module that keeps this from it.',
  EEXIST: 'Name another file, or remove the one that is there.',
  ENOSPC: 'Make room on the file system, then run it again.',
  EROFS: 'The file system is mounted read-only: name a place on another one.',
  ELOOP: 'Check the path: its symbolic links lead in a circle.',
  ENAMETOOLONG: 'Name a shorter path.',
  EMFILE: 'Raise the limit of open files (ulimit -n), then run it again.',
};

/** @param code such as ENOENT */
export function remedyOfFileError(code: string): string | undefined {
  return Object.hasOwn(REMEDIES, code) ? REMEDIES[code] : undefined;
}
