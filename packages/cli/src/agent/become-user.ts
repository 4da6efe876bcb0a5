import { execFileSync } from 'node:child_process';
import { existsSync, lchownSync, statSync } from 'node:fs';
import { makePrivateDirectory } from '@assay/linux/files';
import { SystemError } from '@assay/core/errors';
import { UsageError } from '../exit.ts';
import { TPM_DEVICE } from '../up/tpm.ts';
import type { AgentCommandOptions } from './options.ts';
import { agentFiles } from './options.ts';

/** Reads any file and writes none: the lists of kernel and engine are root's. linux/capability.h */
const CAPABILITIES = '-all,+dac_read_search';
const SETPRIV = '/usr/bin/setpriv';

/**
 * Goes on as another user with one capability left and no way to more: this process begins again, with the same words, id
 * and files. Node cannot drop capabilities of all its threads, and setpriv(1) of util-linux does it before there are any.
 * Returns where this process is that user already.
 * @throws UsageError for a user that does not exist; SystemError NOT-PERMITTED
 */
export function becomeUser(name: string, options: Pick<AgentCommandOptions, 'state' | 'tpm'>): void {
  const [uid, gid] = [idOf(name, '-u'), idOf(name, '-g')];
  if (process.geteuid?.() === uid) return;
  if (process.geteuid?.() !== 0) throw new SystemError('NOT-PERMITTED', '--user: only root can become another user');
  if (uid === 0) throw new UsageError('--user root gives nothing up');
  if (!existsSync(SETPRIV) || process.execve === undefined) {
    throw new SystemError('NOT-PERMITTED', `--user needs ${SETPRIV}: apt-get install util-linux`);
  }
  give(options.state, uid, gid);
  const groups = [gid, ...groupOfTpm(options.tpm)].join(',');
  const who = [`--reuid=${uid}`, `--regid=${gid}`, `--groups=${groups}`, '--no-new-privs'];
  const caps = ['--inh-caps', '--ambient-caps', '--bounding-set'].map((set) => `${set}=${CAPABILITIES}`);
  const words = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  process.execve(SETPRIV, ['setpriv', ...who, ...caps, '--', ...words], process.env);
}

function idOf(name: string, which: '-u' | '-g'): number {
  if (!/^[a-z_0-9][\w.-]{0,31}$/i.test(name)) throw new UsageError(`--user ${name} is no name of a user`);
  try {
    return Number(execFileSync('id', [which, name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
  } catch (error) {
    throw new UsageError(`--user ${name}: there is no such user`, { cause: error });
  }
}

/** Its own names only, and never what a link leads to: the directory may have been that user's before. */
function give(state: string, uid: number, gid: number): void {
  const { directory, ...files } = agentFiles(state);
  makePrivateDirectory(directory);
  for (const path of [directory, ...Object.values(files)]) if (existsSync(path)) lchownSync(path, uid, gid);
}

/** The group to which the device belongs, where it is not root's: `tss` on Debian. */
function groupOfTpm(tpm: AgentCommandOptions['tpm']): number[] {
  if (tpm.kind !== 'device') return [];
  const device = statSync(tpm.path ?? TPM_DEVICE, { throwIfNoEntry: false });
  return device === undefined || device.gid === 0 ? [] : [device.gid];
}
