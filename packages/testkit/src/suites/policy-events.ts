import { ACCESS, type EventFile, type PolicyEvent, type Subject } from '@assay/core/policy';
import type { KernelSeries } from '../lab/index.ts';
import { FILE_SYSTEMS, type AccessKind, type MatchCase, type SubjectIds } from './policy-cases.ts';

const READ_WRITE = ACCESS.MAY_READ | ACCESS.MAY_WRITE;

/** With what mask open(2) asks for FILE_CHECK; nothing for an open with O_PATH. */
const OPEN_MASKS: Readonly<Record<AccessKind, number | undefined>> = {
  r: ACCESS.MAY_READ,
  w: ACCESS.MAY_WRITE,
  rw: READ_WRITE,
  a: ACCESS.MAY_WRITE | ACCESS.MAY_APPEND,
  ra: READ_WRITE | ACCESS.MAY_APPEND,
  rt: READ_WRITE,
  path: undefined,
  map: ACCESS.MAY_READ,
  'map-exec': ACCESS.MAY_READ,
  'map-implied': ACCESS.MAY_READ,
  exec: ACCESS.MAY_EXEC,
};

/** What a kernel asks its policy about in the course of one access, in its order. */
export function eventsOf(one: MatchCase, series: KernelSeries): PolicyEvent[] {
  const subject = subjectOf(one.subject);
  const file = fileOf(one);
  const mask = OPEN_MASKS[one.kind];
  const opened: PolicyEvent[] = mask === undefined ? [] : [{ func: 'FILE_CHECK', mask, subject, file }];
  if (one.kind === 'exec') return [...opened, ...executed(one, series)];
  return [...opened, ...mappings(one.kind, series).map((func) => ({ func, mask: ACCESS.MAY_EXEC, subject, file }))];
}

type Mapping = 'MMAP_CHECK' | 'MMAP_CHECK_REQPROT';

/**
 * MMAP_CHECK_REQPROT, since 6.3, is asked about the protection that was asked for, MMAP_CHECK about the one that results
 * (6.1 of mainline looked at the first in MMAP_CHECK; its stable releases at the second).
 */
function mappings(kind: AccessKind, series: KernelSeries): readonly Mapping[] {
  if (kind === 'map-exec' || kind === 'exec') {
    return series === '6.1' ? ['MMAP_CHECK'] : ['MMAP_CHECK_REQPROT', 'MMAP_CHECK'];
  }
  return kind === 'map-implied' ? ['MMAP_CHECK'] : [];
}

function executed(one: MatchCase, series: KernelSeries): PolicyEvent[] {
  const before = subjectOf(one.subject);
  const after = subjectOf(idsAfterExec(one));
  const file = fileOf(one);
  const mask = ACCESS.MAY_EXEC;
  return [
    { func: 'BPRM_CHECK', mask, subject: before, file },
    { func: 'CREDS_CHECK', mask, subject: series === '7.2' ? capableAs(before, after) : credentialsBefore(one), file },
    ...mappings('exec', series).map((func): PolicyEvent => ({ func, mask, subject: after, file })),
  ];
}

/** The ids are those that the program gets; the capability is that of the process that executes it. */
function capableAs({ setuid, setgid }: Subject, ids: Subject): Subject {
  return { ...ids, setuid, setgid };
}

/** In 6.1 and 6.12 the hook comes before the set-user-id bits have their effect; the saved ids are new already. */
function credentialsBefore({ subject: [uid, euid, , gid, egid] }: MatchCase): Subject {
  return subjectOf([uid, euid, euid, gid, egid, egid]);
}

/** What the kernel asks after a write that took the set-user-id bits from the file (file_remove_privs). */
export function eventAfterWrite(one: MatchCase): PolicyEvent | undefined {
  const subject = subjectOf(one.subject);
  if ((one.mode & 0o6000) === 0 || subject.euid === 0) return undefined;
  return { func: 'POST_SETATTR', mask: 0, subject, file: fileOf(one) };
}

/** prepare_exec_creds and bprm_fill_uid (fs/exec.c) */
function idsAfterExec({ subject, mode, owner, group }: MatchCase): SubjectIds {
  const [uid, euid, , gid, egid] = subject;
  const user = (mode & 0o4000) === 0 ? euid : owner;
  const ofGroup = (mode & 0o2000) === 0 ? egid : group;
  return [uid, user, user, gid, ofGroup, ofGroup];
}

/** Capabilities are effective where the effective user is root. */
function subjectOf([uid, euid, suid, gid, egid, sgid]: SubjectIds): Subject {
  return { uid, euid, suid, gid, egid, sgid, setuid: euid === 0, setgid: euid === 0 };
}

/** No rule names the random UUID of a tmpfs. */
const SOME_UUID = 'random';

function fileOf({ fs, owner, group }: MatchCase): EventFile {
  const found = FILE_SYSTEMS.find(({ name }) => name === fs);
  if (found === undefined) throw new RangeError(`no file system ${fs}`);
  return { magic: found.magic, type: found.type, subtype: '', uuid: found.uuid ?? SOME_UUID, owner, group };
}
