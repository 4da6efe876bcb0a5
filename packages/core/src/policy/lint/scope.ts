import type { Action, Rule } from '../rule.ts';

/** The class of actions in which the first matching rule decides: `measure` for `dont_measure`, too. */
export function classOf({ action }: Rule): string | undefined {
  return action?.replace('dont_', '');
}

export function isAction(rule: Rule, ...actions: readonly Action[]): boolean {
  return rule.action !== undefined && actions.includes(rule.action);
}

/** Whether a rule looks at the file system of a file at all. */
export function selectsFileSystem({ fsmagic, fsname, fsSubtype, fsuuid }: Rule): boolean {
  return [fsmagic, fsname, fsSubtype, fsuuid].some((part) => part !== undefined);
}

/** Whether it decides over files that are opened to be read. */
export function readsFiles({ func, mask }: Rule): boolean {
  return (func === undefined || func === 'FILE_CHECK') && (mask === undefined || mask.name === 'MAY_READ');
}

const PROGRAMS: readonly (string | undefined)[] = ['BPRM_CHECK', 'MMAP_CHECK', 'MMAP_CHECK_REQPROT', 'CREDS_CHECK'];

/** Whether it decides over programs that are started, or mapped to be executed. */
export function runsPrograms({ func, mask }: Rule): boolean {
  if (func === undefined) return mask === undefined || mask.name === 'MAY_EXEC';
  return PROGRAMS.includes(func) || (func === 'FILE_CHECK' && mask?.name === 'MAY_EXEC');
}

/** Whether it is for root: its processes or its files, by which of the ids it names. */
export function isForRoot({ ids }: Rule): boolean {
  return ids.size > 0 && [...ids.values()].every(({ operator, value }) => operator === '=' && value === 0);
}
