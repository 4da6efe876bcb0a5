import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { release } from 'node:os';
import { FanotifyGroup } from '@assay/linux/fanotify';
import { kernelIma } from '@assay/linux/ima';
import { chooseMounts, readMounts } from '@assay/linux/mounts';
import { swtpmAvailable } from '@assay/testkit/swtpm';
import { deviceUsable, TPM_DEVICE } from '../up/tpm.ts';

export interface Check {
  readonly name: string;
  /** `limited`: works, and is worth less; `missing`: something cannot be done. */
  readonly state: 'ok' | 'limited' | 'missing';
  readonly sentence: string;
  /** The line that mends it, where one does. */
  readonly fix?: string;
}

export interface DoctorContext {
  readonly port: number;
  readonly state: string;
}

/** Each looks at one thing and changes nothing. */
export const CHECKS: readonly ((context: DoctorContext) => Check | Promise<Check>)[] = [
  checkKernel,
  checkPrivilege,
  checkKernelIma,
  checkFanotify,
  checkMounts,
  checkTpm,
  checkState,
  checkPort,
];

function checkKernel(): Check {
  return { name: 'kernel', state: 'ok', sentence: `Linux ${release()}, Node ${process.versions.node}.` };
}

/** CAP_SYS_ADMIN (include/uapi/linux/capability.h). */
const SYS_ADMIN = 1n << 21n;

function checkPrivilege(): Check {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1] ?? '0';
  if ((BigInt(`0x${effective}`) & SYS_ADMIN) !== 0n) {
    return { name: 'privilege', state: 'ok', sentence: 'CAP_SYS_ADMIN is there: this machine can be measured.' };
  }
  const sentence = 'Without CAP_SYS_ADMIN the engine cannot watch; `assay up` shows a simulated fleet.';
  return { name: 'privilege', state: 'missing', sentence, fix: 'run it as root' };
}

function checkKernelIma(): Check {
  const name = 'kernel IMA';
  const ima = kernelIma();
  if (ima.state === 'absent') {
    return {
      name,
      state: 'limited',
      sentence: `No: ${ima.reason}. The engine measures instead, after a program has started.`,
    };
  }
  if (ima.state === 'unreadable') {
    return { name, state: 'missing', sentence: `Its list cannot be read: ${ima.reason}.`, fix: 'run it as root' };
  }
  if (ima.measuring) return { name, state: 'ok', sentence: `It measures; ${ima.entries} entries so far.` };
  const sentence = 'It is there and has no policy: only boot_aggregate is in its list. The engine measures instead.';
  return { name, state: 'limited', sentence, fix: 'boot with ima_policy=tcb on the kernel command line' };
}

function checkFanotify(): Check {
  const name = 'fanotify';
  try {
    new FanotifyGroup().close();
    return { name, state: 'ok', sentence: 'The engine can be told of every program that starts.' };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return {
      name,
      state: 'missing',
      sentence: `The engine cannot watch: ${reason}.`,
      fix: 'run it as root, on Linux 5.0 or later',
    };
  }
}

function checkMounts(): Check {
  const { chosen, leftOut } = chooseMounts(readMounts());
  const served = leftOut.filter(({ reason }) => reason.includes('server'));
  const watched = `The engine watches ${chosen.join(', ')}.`;
  if (served.length === 0) return { name: 'mounts', state: 'ok', sentence: watched };
  const names = served.map(({ mount }) => mount.mountPoint.toString('utf8')).join(', ');
  return { name: 'mounts', state: 'limited', sentence: `${watched} Programs on ${names} are not measured.` };
}

function checkTpm(): Check {
  const name = 'TPM';
  if (deviceUsable()) return { name, state: 'ok', sentence: `${TPM_DEVICE} is there and may be used.` };
  if (existsSync(TPM_DEVICE)) {
    return { name, state: 'missing', sentence: `${TPM_DEVICE} is there and may not be used.`, fix: 'run it as root' };
  }
  const swtpm = swtpmAvailable();
  if ('path' in swtpm) {
    return { name, state: 'limited', sentence: `No TPM; swtpm at ${swtpm.path} stands in, whose keys root can copy.` };
  }
  const sentence = 'No TPM and no swtpm; a simulated TPM stands in, which proves nothing to others.';
  return { name, state: 'limited', sentence, fix: swtpm.missing };
}

function checkState({ state }: DoctorContext): Check {
  const name = 'state';
  if (!existsSync(state)) return { name, state: 'ok', sentence: `${state} will be made at the first start.` };
  try {
    accessSync(state, constants.R_OK | constants.W_OK | constants.X_OK);
    return { name, state: 'ok', sentence: `${state} is there and can be written.` };
  } catch {
    const sentence = `${state} belongs to somebody else.`;
    return { name, state: 'missing', sentence, fix: `choose another directory with --state, or remove ${state}` };
  }
}

async function checkPort({ port }: DoctorContext): Promise<Check> {
  const name = 'port';
  if (await isFree(port)) return { name, state: 'ok', sentence: `127.0.0.1:${port} is free.` };
  const sentence = `127.0.0.1:${port} is in use, perhaps by an Assay that runs.`;
  return { name, state: 'limited', sentence, fix: 'assay up --port 4700' };
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
