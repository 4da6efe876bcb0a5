/**
 * Where the guest has its file systems: two that are watched, one
 * that is not, an overlayfs over directories of that one that is watched, one that is and goes, so that the next one gets its number, and one of cgroups.
 */
export const PLACES = {
  ext4: '/run/ext4',
  tmpfs: '/run/tmpfs',
  overlay: '/run/overlay',
  other: '/run/other',
  gone: '/run/gone',
  next: '/run/next',
  cgroups: '/run/cgroups',
} as const;

/** What an engine watches to the end. */
export const WATCHED: readonly string[] = [PLACES.ext4, PLACES.tmpfs, PLACES.overlay];

/** What is refused, as the C library says EACCES. */
export const REFUSED = 'Permission denied';

/** Those in which files are mapped that are no programs: a file for each, as the first mapping is remembered. */
export const PHASES = ['log', 'enforce'] as const;

/** What a process tries: an action of attacks.py, a path (of the phase), and what comes of it without and with refusals. */
export type Step = readonly [action: string, path: string, unhindered: string, enforced: string];

const PROGRAMS = [`${PLACES.ext4}/program`, `${PLACES.tmpfs}/program`] as const;

/** Outside of the cgroup, watched files alone are in the scope. */
export const OUTSIDE: readonly Step[] = [
  ...PROGRAMS.flatMap((path): Step[] => [
    ['execute', path, '0', '0'],
    ['execute', path, '0', '0'],
    ['map', path, 'mapped', 'mapped'],
    ['protect', path, 'mapped', 'mapped'],
    ['hold', path, 'held', 'held'],
    ['map held', path, 'mapped', 'mapped'],
    ['hold', path, 'held', 'held'],
    ['append', path, 'changed', 'changed'],
    ['map held', path, 'mapped', REFUSED],
    ['execute', path, '0', '0'],
    ['hold', path, 'held', 'held'],
    ['store', path, 'changed', 'changed'],
    ['map held', path, 'mapped', REFUSED],
    ['hold', path, 'held', 'held'],
    ['write asynchronously', path, 'changed', 'changed'],
    ['map held', path, 'mapped', REFUSED],
    ['hold', path, 'held', 'held'],
    ['label', path, 'changed', 'changed'],
    ['map held', path, 'mapped', REFUSED],
    ['keep mapping', path, 'kept', 'kept'],
    ['map', path, 'mapped', REFUSED],
    ['drop mapping', path, 'dropped', 'dropped'],
    ['map', path, 'mapped', 'mapped'],
    ['hold', path, 'held', 'held'],
    ['truncate', path, 'changed', 'changed'],
    ['map held', path, 'mapped', REFUSED],
    ['open for writing', path, 'open', 'open'],
    ['map', path, 'mapped', REFUSED],
    ['close', path, 'closed', 'closed'],
    ['map', path, 'mapped', 'mapped'],
  ]),
  ['map', `${PLACES.ext4}/data-PHASE`, 'mapped', REFUSED],
  ['protect', `${PLACES.ext4}/more-data-PHASE`, 'mapped', REFUSED],
  ['execute', `${PLACES.overlay}/program`, '0', '0'],
  ['map', `${PLACES.overlay}/program`, 'mapped', 'mapped'],
  ['execute', `${PLACES.other}/program`, '0', '0'],
  ['execute from memory', PROGRAMS[0], '0', '0'],
  ['map memory', PROGRAMS[0], 'mapped', 'mapped'],
];

/** In the cgroup everything is. */
export const INSIDE: readonly Step[] = [
  ...PROGRAMS.map((path): Step => ['execute', path, '0', '0']),
  ['execute', `${PLACES.overlay}/program`, '0', REFUSED],
  ['map', `${PLACES.overlay}/program`, 'mapped', REFUSED],
  ['execute', `${PLACES.other}/program`, '0', REFUSED],
  ['map', `${PLACES.other}/program`, 'mapped', REFUSED],
  ['map', `${PLACES.other}/data`, 'mapped', REFUSED],
  ['protect', `${PLACES.other}/data`, 'mapped', REFUSED],
  ['execute from memory', PROGRAMS[0], '0', REFUSED],
  ['map memory', PROGRAMS[0], 'mapped', REFUSED],
  ['map nothing', PROGRAMS[0], 'mapped', 'mapped'],
];

/** Not before the gate refuses, and not any more when it does not. */
export const PROOF = ['execute from memory', PROGRAMS[0]] as const;

/** Records that have to be there: refused or not, function, cause, name. */
export const RECORDS = (['passed', 'refused'] as const).flatMap((outcome, index) => [
  `${outcome} BPRM_CHECK unasked program`,
  `${outcome} BPRM_CHECK unasked memfd:assay`,
  `${outcome} MMAP_CHECK unasked data-${PHASES[index]}`,
  `${outcome} MMAP_CHECK unasked more-data-${PHASES[index]}`,
  `${outcome} MMAP_CHECK unasked memfd:assay`,
]);
