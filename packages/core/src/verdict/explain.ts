import type { Explanation } from './findings.ts';

const WORLD_WRITABLE = ['/tmp/', '/var/tmp/', '/dev/shm/'];
/** Where packages install programs, and nobody but root may write (Filesystem Hierarchy Standard 3.0). */
const INSTALLED = ['/usr/', '/bin/', '/sbin/', '/lib/', '/lib64/', '/opt/'];

/** What runs from elsewhere was brought by somebody, not by a package; a digest that is not on disk anymore too. */
export function isInstalledProgram(path: string): boolean {
  return isUnder(path, INSTALLED) && !path.endsWith('_(deleted)');
}

function isUnder(path: string, directories: readonly string[]): boolean {
  return directories.some((directory) => path.startsWith(directory));
}

/** Why a file with an unknown digest may have been measured, from its name alone; the likeliest cause first. */
export function explainUnknown(path: string): Explanation[] {
  if (path.startsWith('/memfd:') || path.startsWith('memfd:')) {
    return [{ cause: 'It was made in memory and never was a file on disk.', confidence: 'high' }];
  }
  const causes: Explanation[] = [];
  if (isUnder(path, WORLD_WRITABLE)) {
    causes.push({
      cause: 'It lies in a directory that everyone may write to, where no package installs programs.',
      confidence: 'high',
    });
  } else if (!isInstalledProgram(path)) {
    causes.push({ cause: 'It lies outside the directories where packages install programs.', confidence: 'medium' });
  }
  if (path.endsWith('_(deleted)')) {
    causes.push({ cause: 'The file was deleted before it was measured.', confidence: 'high' });
  }
  causes.push({
    cause: 'It runs for the first time since the reference values were captured.',
    confidence: causes.length > 0 ? 'low' : 'medium',
  });
  return causes;
}

export function explainChanged(): Explanation[] {
  return [
    { cause: 'A package that owns the file was installed or upgraded after the capture.', confidence: 'medium' },
    { cause: 'The file was altered.', confidence: 'medium' },
  ];
}

/** A word that every shell reads as itself. */
const PLAIN_PATH = /^\/[A-Za-z0-9_./+-]+$/;

/** Commands that find out more about a file and, when it is wanted, accept it. */
export function nextFor(host: string, path: string): string[] {
  const look = PLAIN_PATH.test(path) ? [`ls -l ${path}`, `dpkg -S ${path}`] : [];
  return [...look, `assay reference capture --host ${host}`];
}
