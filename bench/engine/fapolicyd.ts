// fapolicyd beside the engine. It is never installed, as its service would mark the whole machine: the package is unpacked
// into a directory, and the daemon runs in a mount namespace of its own and watches nothing but file systems of one type.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const PACKAGES = ['fapolicyd', 'liblmdb0'];
/** No other file system of the machine is of this type, or `start` refuses. */
export const WATCHED_TYPE = 'ext3';
/** The daemon is killed after this time, whatever happens. */
const LIFETIME_SECONDS = 300;

const MOUNTED_OVER = ['/etc/fapolicyd', '/var/lib/fapolicyd', '/run/fapolicyd', '/usr/share/fapolicyd'];

export interface Fapolicyd {
  stop(): void;
}

/** @returns where it is unpacked, or why it cannot be had */
export function unpackFapolicyd(): { readonly root: string } | { readonly reason: string } {
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'assay-bench-fapolicyd');
  const root = join(cache, 'root');
  if (existsSync(join(root, 'usr/sbin/fapolicyd'))) return { root };
  mkdirSync(root, { recursive: true });
  const download = spawnSync('apt-get', ['download', ...PACKAGES], { cwd: cache, encoding: 'utf8', timeout: 120_000 });
  if (download.status !== 0) return { reason: `apt-get download ${PACKAGES.join(' ')}: ${download.stderr ?? ''}` };
  for (const archive of globSync('*.deb', { cwd: cache })) {
    const unpacked = spawnSync('dpkg', ['-x', join(cache, archive), root], { encoding: 'utf8' });
    if (unpacked.status !== 0) return { reason: `dpkg -x ${archive}: ${unpacked.stderr}` };
  }
  return { root };
}

/** @param trusted programs that it is to let run, by their digests */
export async function startFapolicyd(root: string, directory: string, trusted: readonly string[]): Promise<Fapolicyd> {
  const mounted = readFileSync('/proc/self/mounts', 'utf8').split('\n');
  const others = mounted.filter((line) => line.split(' ')[2] === WATCHED_TYPE && !line.includes(directory));
  if (others.length > 0) throw new Error(`other file systems are of type ${WATCHED_TYPE} too`);
  const configuration = join(directory, 'etc');
  const state = join(directory, 'state');
  for (const path of [configuration, join(configuration, 'trust.d'), state]) mkdirSync(path, { recursive: true });
  writeFileSync(join(configuration, 'fapolicyd.conf'), CONFIGURATION);
  writeFileSync(join(configuration, 'compiled.rules'), 'allow perm=any all : trust=1\nallow perm=any all : all\n');
  writeFileSync(join(configuration, 'fapolicyd.trust'), trusted.map(trustLine).join(''));
  const script = `
    mkdir -p ${MOUNTED_OVER.join(' ')}
    mount --bind ${configuration} /etc/fapolicyd && mount --bind ${state} /var/lib/fapolicyd &&
    mount --bind ${join(root, 'usr/share/fapolicyd')} /usr/share/fapolicyd &&
    LD_LIBRARY_PATH=${join(root, 'usr/lib/x86_64-linux-gnu')} \\
      exec timeout --signal=KILL ${LIFETIME_SECONDS} ${join(root, 'usr/sbin/fapolicyd')} --debug`;
  const child = spawn('unshare', ['--mount', 'sh', '-c', script], {
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  });
  await started(child);
  const stop = (): void => {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    // What was made for it to be mounted over; where the package is installed, they are not empty.
    for (const path of MOUNTED_OVER) spawnSync('rmdir', ['--ignore-fail-on-non-empty', path]);
  };
  return { stop };
}

const CONFIGURATION = `permissive = 0
nice_val = 14
q_size = 1024
uid = root
gid = root
do_stat_report = 0
detailed_report = 0
db_max_size = 50
subj_cache_size = 1549
obj_cache_size = 8191
watch_fs = ${WATCHED_TYPE}
trust = file
integrity = sha256
syslog_format = rule,dec,perm,auid,pid,exe,:,path,ftype,trust
rpm_sha256_only = 0
allow_filesystem_mark = 1
`;

function trustLine(path: string): string {
  return `${path} ${statSync(path).size} ${createHash('sha256').update(readFileSync(path)).digest('hex')}\n`;
}

async function started(child: ChildProcess): Promise<void> {
  let output = '';
  child.stderr?.on('data', (bytes: Buffer) => {
    if (output.length < 10_000) output += bytes.toString();
  });
  for (const end = performance.now() + 30_000; performance.now() < end; await delay(50)) {
    if (output.includes('Starting to listen for events')) return;
    if (child.exitCode !== null) break;
  }
  throw new Error(`fapolicyd does not listen: ${output}`);
}
