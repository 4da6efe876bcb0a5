import { chmod, chown, copyFile, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { concat, equalBytes, utf8 } from '@assay/core/bytes';
import { digestLabel, encodeImaLabel } from '@assay/core/label';
import { nodeHasher } from '@assay/core/node';
import { getXattr, listXattrs, removeXattr, setXattr } from '@assay/linux/xattr';
import { runTool } from '../../lab/tools.ts';
import { FAILED } from '../labelling/commands.ts';
import type { Guard } from './recipes.ts';

/** A file that has its labels and is about to be altered. */
interface LabelledFile {
  readonly path: string;
  /** What the content begins with that must stay, so that it can be executed. */
  readonly programSize: number;
  /** From the seed: chooses among what can be altered. */
  readonly chance: number;
}

type Alter = (file: LabelledFile) => Promise<void>;

/** VFS_CAP_REVISION_2 with CAP_NET_RAW, CAP_CHOWN, ... permitted (include/uapi/linux/capability.h). */
export function capability(chance: number): Uint8Array {
  return concat([Uint8Array.of(1, 0, 0, 2, 1 << (chance % 8)), new Uint8Array(15)]);
}

/** With the zero at its end, as the tools of SELinux store it. */
export function context(chance: number): Uint8Array {
  return utf8(`system_u:object_r:type${chance % 1000}_t:s0\0`);
}

const VALUES: Readonly<Record<string, (chance: number) => Uint8Array>> = {
  'security.selinux': context,
  'security.apparmor': context,
  'security.capability': capability,
};
const PROTECTED = Object.keys(VALUES);

function otherValue(name: string, chance: number, before: Uint8Array | undefined): Uint8Array {
  const value = VALUES[name]?.(chance) ?? new Uint8Array();
  return before !== undefined && equalBytes(value, before) ? otherValue(name, chance + 1, before) : value;
}

const ALTERATIONS = {
  none: async () => Promise.resolve(),
  content: alterContent,
  /** As somebody does it who knows IMA and not the key. */
  'content and digest': async (file) => {
    await alterContent(file);
    const digest = nodeHasher.digest('sha256', await readFile(file.path));
    setXattr(utf8(file.path), 'security.ima', encodeImaLabel(digestLabel('sha256', digest)));
  },
  'security.ima': async (file) => flip(file, 'security.ima'),
  'security.evm': async (file) => flip(file, 'security.evm'),
  'no security.evm': async ({ path }) => {
    removeXattr(utf8(path), 'security.evm');
  },
  mode: async ({ path, chance }) => {
    const { mode } = await stat(path);
    await chmod(path, (mode & 0o7777) ^ (1 << (chance % 12)));
  },
  owner: async ({ path, chance }) => give(path, { uid: otherId(chance) }),
  group: async ({ path, chance }) => give(path, { gid: otherId(chance) }),
  attribute: async ({ path, chance }) => {
    const name = PROTECTED[chance % PROTECTED.length] ?? '';
    const before = getXattr(utf8(path), name);
    if (before !== undefined && chance % 5 === 0) removeXattr(utf8(path), name);
    else setXattr(utf8(path), name, otherValue(name, chance >>> 3, before));
  },
  /** Debian's kernels know it, and do not enable it: it counts in portable signatures only. */
  'attribute of Smack': async ({ path }) => setXattr(utf8(path), 'security.SMACK64EXEC', utf8('_')),
  'attribute of users': async ({ path }) => setXattr(utf8(path), 'user.note', utf8('note')),
  generation: async ({ path, chance }) => {
    await runTool('chattr', ['-v', String(chance), path], FAILED);
  },
  /** The same file in another inode. */
  inode: async ({ path }) => {
    const copy = `${path}~`;
    const { mode, uid, gid } = await stat(path);
    await copyFile(path, copy);
    await chown(copy, uid, gid);
    await chmod(copy, mode & 0o7777);
    for (const name of listXattrs(utf8(path)))
      setXattr(utf8(copy), name, getXattr(utf8(path), name) ?? new Uint8Array());
    await rename(copy, path);
  },
} satisfies Readonly<Record<string, Alter>>;

export type Alteration = keyof typeof ALTERATIONS;

function isAlteration(name: string): name is Alteration {
  return Object.hasOwn(ALTERATIONS, name);
}

const ALL = Object.keys(ALTERATIONS).filter(isAlteration);
const OF_CONTENT: readonly Alteration[] = ['none', 'content', 'security.ima'];

/** What is done to the files of a recipe. */
export function alterationsFor(guard: Guard | undefined): readonly Alteration[] {
  return guard === undefined ? OF_CONTENT : ALL;
}

/** Changes the file in one respect. @throws SystemError LAB-TOOL, XATTR-UNSUPPORTED, NOT-PERMITTED */
export async function alter(alteration: Alteration, file: LabelledFile): Promise<void> {
  await ALTERATIONS[alteration](file);
}

const UNBOUND: readonly Alteration[] = ['none', 'attribute of users'];
const OUTSIDE_INODE: readonly Alteration[] = [...UNBOUND, 'attribute of Smack'];
const ELSEWHERE: readonly Alteration[] = [...UNBOUND, 'generation', 'inode'];

/** Whether a label in security.evm covers what was altered, as the documentation of Linux says it. */
export function isCovered(name: string, guard: Guard): boolean {
  return !(guard === 'portable' ? ELSEWHERE : OUTSIDE_INODE).some((each) => each === name);
}

async function alterContent({ path, programSize, chance }: LabelledFile): Promise<void> {
  const content = await readFile(path);
  const at = programSize + (chance % (content.length - programSize));
  content[at] = (content[at] ?? 0) ^ (1 << (chance % 8));
  // Not by a rename, which would be another inode.
  await writeFile(path, content);
}

/** One bit, behind type and version. */
function flip({ path, chance }: LabelledFile, name: string): void {
  const value = getXattr(utf8(path), name);
  if (value === undefined) throw new RangeError(`${path} has no ${name}`);
  const at = 2 + (chance % (value.length - 2));
  setXattr(utf8(path), name, value.with(at, (value[at] ?? 0) ^ (1 << (chance % 8))));
}

/** None of those that files have from the start. */
function otherId(chance: number): number {
  return 10_000 + (chance % 50_000);
}

async function give(path: string, owner: { readonly uid?: number; readonly gid?: number }): Promise<void> {
  const { mode, uid, gid } = await stat(path);
  const value = getXattr(utf8(path), 'security.capability');
  await chown(path, owner.uid ?? uid, owner.gid ?? gid);
  // The kernel takes these away with the owner, and one thing is to differ.
  await chmod(path, mode & 0o7777);
  if (value !== undefined) setXattr(utf8(path), 'security.capability', value);
}
