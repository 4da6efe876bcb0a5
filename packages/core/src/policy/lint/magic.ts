import { fileSystemByMagic, fileSystemByName, type FileSystem } from './file-systems.ts';
import { findingAt, type LintedRule, type LintFinding } from './finding.ts';

/** Magic numbers that are not those of the file system in the comment. */
export function lintMagicName(rules: readonly LintedRule[]): LintFinding[] {
  return rules.flatMap((linted) => {
    const { fsmagic } = linted.rule;
    const fileSystem = fsmagic === undefined ? undefined : fileSystemByMagic(fsmagic);
    const [named, ...others] = fileSystemsIn(linted.comment);
    if (fileSystem === undefined || named === undefined || others.length > 0) return [];
    if (isSame(named, fileSystem) || (linted.leads && !/_MAGIC\b/.test(linted.comment))) return [];
    const message =
      `${hex(fileSystem.magic)} is ${fileSystem.names[0]}, and the comment says ${named.names[0]}, ` +
      `which is ${hex(named.magic)}`;
    return [findingAt(linted, 'fsmagic=', { code: 'LINT-MAGIC-NAME', severity: 'warning', message })];
  });
}

/** Magic numbers of no file system: such a rule never matches. */
export function lintMagicUnknown(rules: readonly LintedRule[]): LintFinding[] {
  return rules.flatMap((linted) => {
    const { fsmagic } = linted.rule;
    if (fsmagic === undefined || fileSystemByMagic(fsmagic) !== undefined) return [];
    const message = `${hex(fsmagic)} is the magic number of no file system that Assay knows${decimalHint(fsmagic)}`;
    return [findingAt(linted, 'fsmagic=', { code: 'LINT-MAGIC-UNKNOWN', severity: 'note', message })];
  });
}

/** The kernel reads 61267 as 0x61267; stat(1) and statfs(2) give people decimal numbers. */
function decimalHint(fsmagic: bigint): string {
  const digits = fsmagic.toString(16);
  const meant = /^[0-9]+$/.test(digits) ? fileSystemByMagic(BigInt(digits)) : undefined;
  return meant === undefined ? '' : `; ${digits} in decimal is ${meant.names[0]}: write ${hex(meant.magic)}`;
}

/** The file systems that a comment names, as in `sysfs` or `SYSFS_MAGIC`. */
function fileSystemsIn(comment: string): readonly FileSystem[] {
  const words = comment.toLowerCase().split(/[^a-z0-9_]+/);
  const found = words.map((word) => fileSystemByName(word.replace(/(_super)?_magic2?$/, '')));
  return [...new Set(found.filter((each) => each !== undefined))];
}

/** People write cgroup and mean cgroup2. */
function isSame({ names: [one] }: FileSystem, { names: [other] }: FileSystem): boolean {
  return one.startsWith(other) || other.startsWith(one);
}

function hex(magic: bigint): string {
  return `0x${magic.toString(16)}`;
}
