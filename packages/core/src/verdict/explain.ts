import type { Decision, ReferenceValues } from '../reference/index.ts';
import { poolText } from './change-cause.ts';
import type { Explanation } from './findings.ts';
import { explainPath, originOf } from './path-causes.ts';

type Unknown = Extract<Decision, { status: 'unknown' }>;
type Changed = Extract<Decision, { status: 'changed' }>;

/** Why a file with an unknown digest may have been measured; the likeliest cause first. */
export function explainUnknown(
  path: string,
  decision: Omit<Unknown, 'status'>,
  reference: ReferenceValues | null,
): Explanation[] {
  return [...explainDigest(path, decision), ...explainPath(path, reference)];
}

/** From what the reference values know of the digest. */
function explainDigest(path: string, { ended, elsewhere }: Omit<Unknown, 'status'>): Explanation[] {
  if (ended !== undefined) {
    const old = isLibrary(path) ? ' A program that was started before the upgrade still uses it: restart it.' : '';
    return [{ cause: `It is of ${poolText(ended)}, which was good until ${ended.until}.${old}`, confidence: 'high' }];
  }
  if (elsewhere === undefined || elsewhere === path) return [];
  return [
    {
      cause: `The same content is good at ${elsewhere}: it was copied, renamed or mounted elsewhere.`,
      confidence: 'high',
    },
  ];
}

/** A shared object: what is mapped stays in use when its file is replaced. */
export function isLibrary(path: string): boolean {
  return /\.so(?:\.[\d.]+)?(?:[ _]\(deleted\))?$/.test(path);
}

export function explainChanged(path: string, decision: Omit<Changed, 'status'> = {}): Explanation[] {
  const known = [...explainDigest(path, decision), ...originOf(path)];
  const doubt = known.length > 0 ? 'low' : 'medium';
  return [
    ...known,
    { cause: upgradeCause(decision), confidence: doubt },
    { cause: 'The file was altered.', confidence: doubt },
  ];
}

function upgradeCause({ expected }: Omit<Changed, 'status'>): string {
  if (expected?.kind === 'package') {
    return `The reference values have ${poolText(expected)} for it: the package was installed or upgraded since.`;
  }
  if (expected?.kind === 'image') {
    return `The reference values have ${poolText(expected)} for it: the container runs another version of the image.`;
  }
  return 'A package that owns the file was installed or upgraded after the capture.';
}

/** A word that every shell reads as itself. */
const PLAIN_PATH = /^\/[A-Za-z0-9_./+-]+$/;

/** Commands that find out more about a file and, when it is wanted, accept it. */
export function nextFor(host: string, path: string): string[] {
  const look = PLAIN_PATH.test(path) ? [`ls -l ${path}`, `dpkg -S ${path}`] : [];
  return [...look, `assay reference capture --host ${host}`];
}
