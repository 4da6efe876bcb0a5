import type { ReferenceValues } from '../reference/index.ts';
import type { Explanation } from './findings.ts';

/** Where packages install programs, and nobody but root may write (Filesystem Hierarchy Standard 3.0). */
const INSTALLED = ['/usr/', '/bin/', '/sbin/', '/lib/', '/lib64/', '/opt/'];
const WORLD_WRITABLE = ['/tmp/', '/var/tmp/', '/dev/shm/'];
/** As d_path() has it; lists in ASCII have `_` for the blank. */
const DELETED = /[ _]\(deleted\)$/;
const MEMORY = /^\/?memfd:/;

/** What runs from elsewhere was brought by somebody, not by a package; a digest that is not on disk anymore too. */
export function isInstalledProgram(path: string): boolean {
  return isUnder(path, INSTALLED) && !DELETED.test(path);
}

function isUnder(path: string, directories: readonly string[]): boolean {
  return directories.some((directory) => path.startsWith(directory));
}

/** A form of a path that tells where its file came from. */
interface Origin {
  readonly form: RegExp;
  /** With what the groups of the form matched. */
  readonly cause: (group: (index: number) => string) => string;
  readonly confidence: Explanation['confidence'];
}

/** The first that matches tells. */
const ORIGINS: readonly Origin[] = [
  {
    form: /^\/?memfd:runc_cloned/,
    cause: () => 'runc ran itself from a copy in memory, which containers cannot write to; the name alone says so.',
    confidence: 'medium',
  },
  { form: MEMORY, cause: () => 'It was made in memory and never was a file on disk.', confidence: 'high' },
  {
    // Docker: overlay2/ID/{diff,merged}; Podman and CRI-O: overlay/ID/{diff,merged}.
    form: /\/(?:docker\/overlay2|containers\/storage\/overlay)\/([0-9a-f]{12})[0-9a-f-]*\/(diff|merged)\//,
    cause: (group) => `It is ${group(2) === 'diff' ? 'in a layer' : 'in the root'} of a container (${group(1)}…).`,
    confidence: 'high',
  },
  {
    form: /\/io\.containerd\.snapshotter\.v1\.[a-z]+\/snapshots\/(\d+)\/fs\//,
    cause: (group) => `It is in a layer of a container (snapshot ${group(1)} of containerd).`,
    confidence: 'high',
  },
  {
    form: /^\/run\/containerd\/io\.containerd\.runtime\.v2\.task\/([\w.-]+)\/([0-9a-f]{12})[0-9a-f]*\/rootfs\//,
    cause: (group) => `It is in the root of a container (${group(2)}… of ${group(1)} at containerd).`,
    confidence: 'high',
  },
  {
    form: /^\/(?:var\/lib\/snapd\/)?snap\/([a-z0-9-]+)\/(x?\d+)\//,
    cause: (group) => `It is of the snap ${group(1)}, revision ${group(2)}, which is an image of its own.`,
    confidence: 'high',
  },
  {
    form: /^\/(?:usr\/)?lib\/modules\/(\d[\w.+~-]*)\/updates\/dkms\//,
    cause: (group) => `DKMS built it on this machine for kernel ${group(1)}, so no package has its digest.`,
    confidence: 'high',
  },
  {
    form: /^\/(?:tmp|var\/tmp)\/(?:pip-|npm-|go-build|rustc|cargo-install|cc)[\w.-]*/,
    cause: () => 'By its name a build or an installer made it for a moment.',
    confidence: 'low',
  },
];

const MODULE = /^\/(?:usr\/)?lib\/modules\/(\d[\w.+~-]*)\//;

/** What the name of a file with an unknown digest tells; the likeliest first. */
export function explainPath(path: string, reference: ReferenceValues | null): Explanation[] {
  const origin = originOf(path);
  if (MEMORY.test(path)) return origin;
  const causes = [...origin, ...kernelCause(path, reference), ...placeCause(path, origin), ...deletedCause(path)];
  const first = 'It runs for the first time since the reference values were captured.';
  return [...causes, { cause: first, confidence: causes.length > 0 ? 'low' : 'medium' }];
}

/** What kind of place a path is in, where that tells who made the file. */
export function originOf(path: string): Explanation[] {
  for (const { form, cause, confidence } of ORIGINS) {
    const match = form.exec(path);
    if (match !== null) return [{ cause: cause((index) => match[index] ?? ''), confidence }];
  }
  return [];
}

function kernelCause(path: string, reference: ReferenceValues | null): Explanation[] {
  const release = MODULE.exec(path)?.[1];
  if (release === undefined || reference === null || reference.kernels.size === 0) return [];
  if (reference.kernels.has(release)) {
    const cause = `The reference values have kernel ${release}, but no such module of it: it came from elsewhere.`;
    return [{ cause, confidence: 'medium' }];
  }
  const known = [...reference.kernels].toSorted().slice(0, 3).join(', ');
  const cause = `The kernel was updated: this is a module of ${release}, the reference values have ${known}.`;
  return [{ cause, confidence: 'high' }];
}

function placeCause(path: string, origin: readonly Explanation[]): Explanation[] {
  if (isUnder(path, WORLD_WRITABLE)) {
    const cause = 'It lies in a directory that everyone may write to, where no package installs programs.';
    return [{ cause, confidence: 'high' }];
  }
  if (origin.length > 0 || isUnder(path, INSTALLED)) return [];
  return [{ cause: 'It lies outside the directories where packages install programs.', confidence: 'medium' }];
}

function deletedCause(path: string): Explanation[] {
  if (!DELETED.test(path)) return [];
  if (!isUnder(path, INSTALLED)) return [{ cause: 'The file was deleted before it was measured.', confidence: 'high' }];
  const cause =
    'The file was replaced while a program had it open, as upgrades do: restart what still uses the old one.';
  return [{ cause, confidence: 'high' }];
}
