import { closeSync, fstatSync, openSync, readFileSync, readlinkSync } from 'node:fs';
import type { HashName } from '@assay/core/hash';
import type { Subject } from '@assay/core/policy';
import { hashFile } from '@assay/linux/files';
import type { Ancestor, Task, TaskRecord } from '../decision/contract.ts';
import { DigestCache } from '../digest-cache.ts';

/** include/uapi/linux/capability.h */
const CAP_SETGID = 6n;
const CAP_SETUID = 7n;
/** Login uid and session of who never logged in. */
const UNSET = 4_294_967_295;
const COMM_LENGTH = 15;
/** A chain of parents that is longer changes while it is read. */
const LONGEST_LINEAGE = 64;
/** Whoever installs software is smaller than that, and hashed in time, or else does not count. */
const LARGEST_PROGRAM = 64 * 1024 * 1024;
const LONGEST_HASH_MS = 1000;

const NAMESPACES = ['user', 'mnt', 'pid'] as const;

/** The task that waits, as /proc tells of it; what is gone already has the ids of nobody. */
export function taskOf(pid: number): Task {
  return { pid, subject: () => subjectOf(pid), record: () => recordOf(pid), lineage: () => lineageOf(pid) };
}

function subjectOf(pid: number): Subject {
  const status = statusOf(pid);
  const [uid = UNSET, euid = UNSET, suid = UNSET] = numbers(status, 'Uid');
  const [gid = UNSET, egid = UNSET, sgid = UNSET] = numbers(status, 'Gid');
  const effective = BigInt(`0x${field(status, 'CapEff') ?? '0'}`);
  const has = (capability: bigint): boolean => ((effective >> capability) & 1n) === 1n;
  return { uid, euid, suid, gid, egid, sgid, setuid: has(CAP_SETUID), setgid: has(CAP_SETGID) };
}

function recordOf(pid: number): TaskRecord {
  const status = statusOf(pid);
  const [uid = UNSET, ...users] = numbers(status, 'Uid');
  const [gid = UNSET, ...groups] = numbers(status, 'Gid');
  const named = (names: readonly string[], ids: readonly number[]): (readonly [string, number])[] =>
    names.map((name, index) => [name, ids[index] ?? UNSET]);
  const [parent] = numbers(status, 'PPid');
  const auid = Number(textOf(pid, 'loginuid') ?? UNSET);
  const ses = Number(textOf(pid, 'sessionid') ?? UNSET);
  const executable = programOf(pid);
  return {
    uid,
    ids: [['gid', gid], ...named(['euid', 'suid', 'fsuid'], users), ...named(['egid', 'sgid', 'fsgid'], groups)],
    ...(parent === undefined ? {} : { parent }),
    ...(auid === UNSET ? {} : { auid }),
    ...(ses === UNSET ? {} : { ses }),
    comm: bytesOf(pid, 'comm')?.subarray(0, -1).subarray(0, COMM_LENGTH) ?? new Uint8Array(),
    ...(executable === undefined ? {} : { executable }),
  };
}

function lineageOf(pid: number): Ancestor[] {
  const ancestors: Ancestor[] = [];
  const own = NAMESPACES.map((name) => namespaceOf('self', name));
  for (let at = pid; at > 0 && ancestors.length < LONGEST_LINEAGE; ) {
    const process = at;
    const status = statusOf(process);
    const isHost = NAMESPACES.every((name, index) => namespaceOf(process, name) === own[index]);
    const isRootOfHost = isHost && numbers(status, 'Uid')[1] === 0;
    ancestors.push({ pid: process, isRootOfHost, digest: (algorithm) => programDigest(process, algorithm) });
    at = numbers(status, 'PPid')[0] ?? 0;
  }
  return ancestors;
}

/** Few programs have many processes; each is hashed once. */
const programs = new DigestCache(256);

/** Opens the program, which is an event of its own: never to be called in the thread that answers. */
function programDigest(pid: number, algorithm: HashName): Uint8Array | undefined {
  try {
    const fd = openSync(`/proc/${pid}/exe`, 'r');
    try {
      if (fstatSync(fd).size > LARGEST_PROGRAM) return undefined;
      const end = performance.now() + LONGEST_HASH_MS;
      const isOver = (): boolean => performance.now() > end;
      const found = algorithm === 'sha256' ? programs.digestOf(fd, isOver) : hashFile(fd, [algorithm], isOver);
      return found.outcome === 'hashed' ? found.digests.get(algorithm) : undefined;
    } finally {
      closeSync(fd);
    }
  } catch {
    return undefined;
  }
}

/** @throws Error of open(2) and read(2) for a task that is there: who it is decides, and must not be guessed */
function statusOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'latin1');
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH')) return '';
    throw error;
  }
}

function field(status: string, name: string): string | undefined {
  return new RegExp(`^${name}:\\t(.*)$`, 'm').exec(status)?.[1];
}

function numbers(status: string, name: string): number[] {
  return field(status, name)?.split('\t').map(Number) ?? [];
}

function textOf(pid: number, name: string): string | undefined {
  return bytesOf(pid, name)?.toString('latin1');
}

function bytesOf(pid: number, name: string): Buffer | undefined {
  try {
    return readFileSync(`/proc/${pid}/${name}`);
  } catch {
    return undefined;
  }
}

function programOf(pid: number): Uint8Array | undefined {
  try {
    return readlinkSync(`/proc/${pid}/exe`, { encoding: 'buffer' });
  } catch {
    return undefined;
  }
}

function namespaceOf(pid: number | 'self', name: (typeof NAMESPACES)[number]): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/${name}`);
  } catch {
    return undefined;
  }
}
