import type { Decision } from '../reference/index.ts';
import { poolText } from './change-cause.ts';
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

type Unknown = Extract<Decision, { status: 'unknown' }>;
type Changed = Extract<Decision, { status: 'changed' }>;

/** Why a file with an unknown digest may have been measured; the likeliest cause first. */
export function explainUnknown(path: string, decision: Omit<Unknown, 'status'> = {}): Explanation[] {
  return [...explainDigest(path, decision), ...explainPath(path)];
}

/** From what the reference values know of the digest. */
function explainDigest(path: string, { ended, elsewhere }: Omit<Unknown, 'status'>): Explanation[] {
  if (ended !== undefined) {
    return [{ cause: `It is of ${poolText(ended)}, which was good until ${ended.until}.`, confidence: 'high' }];
  }
  if (elsewhere === undefined || elsewhere === path) return [];
  return [
    {
      cause: `The same content is good at ${elsewhere}: it was copied, renamed or mounted elsewhere.`,
      confidence: 'high',
    },
  ];
}

/** From the name alone. */
function explainPath(path: string): Explanation[] {
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

export function explainChanged(path: string, decision: Omit<Changed, 'status'> = {}): Explanation[] {
  const known = explainDigest(path, decision);
  const { expected } = decision;
  const upgraded =
    expected?.kind === 'package'
      ? `The reference values have ${poolText(expected)} for it: the package was installed or upgraded since.`
      : 'A package that owns the file was installed or upgraded after the capture.';
  return [
    ...known,
    { cause: upgraded, confidence: known.length > 0 ? 'low' : 'medium' },
    { cause: 'The file was altered.', confidence: known.length > 0 ? 'low' : 'medium' },
  ];
}

/** A word that every shell reads as itself. */
const PLAIN_PATH = /^\/[A-Za-z0-9_./+-]+$/;

/** Commands that find out more about a file and, when it is wanted, accept it. */
export function nextFor(host: string, path: string): string[] {
  const look = PLAIN_PATH.test(path) ? [`ls -l ${path}`, `dpkg -S ${path}`] : [];
  return [...look, `assay reference capture --host ${host}`];
}
