// A Debian on a file system of its own: what a package manager does in it, and who runs programs meanwhile.
import { spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { defaultCache, smallestDebian } from '@assay/testkit/lab';
import { dpkgVersion, PACKAGES, REPOSITORIES, run, writeRepositories, type Version } from './packages.ts';

const SIZE = 1024 * 1024 * 1024;
/** A transaction takes seconds; one that takes so long hangs. */
const HANG_MS = 300_000;
const PAUSE_MS = 25;
const REFUSED = /Operation not permitted|Permission denied/;
const ENVIRONMENT = { PATH: '/usr/local/bin:/usr/sbin:/usr/bin', DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' };

/** Unpacks the Debian and the packages on a new ext4 file system. @returns its mount point */
export async function makeWorld(directory: string, onStep: (line: string) => void): Promise<string> {
  const tar = await smallestDebian({ cache: defaultCache(), onStep });
  const [image, root] = [join(directory, 'image'), join(directory, 'root')];
  writeFileSync(image, '');
  truncateSync(image, SIZE);
  run(directory, 'mkfs.ext4', '-q', '-F', image);
  mkdirSync(root);
  run(directory, 'mount', '-o', 'loop', image, root);
  run(directory, 'tar', '--extract', '--numeric-owner', '--file', tar, '--directory', root);
  // What is lost in a crash is of no interest here.
  writeFileSync(join(root, 'etc/dpkg/dpkg.cfg.d/soak'), 'force-unsafe-io\n');
  writeRepositories(root);
  return root;
}

/** What was installed before anybody enforced anything. */
export function labelAll(root: string): void {
  run(root, process.execPath, join(import.meta.dirname, '../../packages/cli/bin/assay.js'), 'file', 'hash', root);
}

interface Outcome {
  readonly code: number | null;
  readonly text: string;
  readonly hung: boolean;
}

/** Runs a program in the chroot, as root or as a user. */
export function inside(root: string, words: readonly string[], user = '0:0'): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const given = [`--userspec=${user}`, root, ...words];
    const child = spawn('chroot', given, { stdio: ['ignore', 'pipe', 'pipe'], env: ENVIRONMENT });
    let text = '';
    let hung = false;
    const limit = setTimeout(() => {
      hung = true;
      child.kill('SIGKILL');
    }, HANG_MS);
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (part: string) => (text += part));
    }
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(limit);
      resolve({ code, text, hung });
    });
  });
}

/** What a package manager does in one round: installs, upgrades itself among others, installs again, removes. */
export function transactions(root: string): readonly (readonly string[])[] {
  const apt = (version: Version, ...words: string[]): string[] => {
    const lists = ['-o', `Dir::Etc::SourceList=${REPOSITORIES}/${version}.list`, '-o', 'Dir::Etc::SourceParts=-'];
    const options = ['APT::Sandbox::User=root', 'Dpkg::Use-Pty=false'].flatMap((option) => ['-o', option]);
    return ['apt-get', '--yes', '-qq', ...lists, ...options, ...words];
  };
  const installed = PACKAGES.map((name) => `${name}=1`);
  return [
    apt('1', 'update'),
    apt('1', 'install', '--allow-downgrades', ...installed, `dpkg=${dpkgVersion(root, '1')}`),
    apt('2', 'update'),
    apt('2', 'upgrade'),
    ['soak-script'],
    apt('2', 'install', '--reinstall', 'soak-data', 'soak-tool'),
    apt('2', 'remove', 'soak-script', 'soak-lib'),
    ['dpkg', '--install', `${REPOSITORIES}/2/soak-lib_2.deb`],
    ['dpkg', '--purge', 'soak-lib', 'soak-script', 'soak-data', 'soak-tool'],
  ];
}

const PROGRAMS: readonly (readonly string[])[] = [
  ['true'],
  ['sh', '-c', 'ls /usr/bin | tail -n 1'],
  ['perl', '-e', '1'],
  ['dpkg', '--list'],
  ['soak-tool'],
  ['soak-copy'],
  ['soak-script'],
  ['soak-perl'],
  ['soak-alternative'],
  ['/usr/lib/soak/large'],
];

/** Programs that run all the time, whether their packages are there or not. */
export class Residents {
  readonly #root: string;
  readonly #working: Promise<void>[];
  #over = false;
  runs = 0;
  readonly refused: string[] = [];

  constructor(root: string, count: number) {
    this.#root = root;
    this.#working = Array.from({ length: count }, (_, index) => this.#live(index));
  }

  async #live(index: number): Promise<void> {
    for (let turn = index; !this.#over; turn++) {
      const words = PROGRAMS[turn % PROGRAMS.length] ?? [];
      const { text, hung } = await inside(this.#root, words, turn % 3 === 0 ? '1000:1000' : '0:0');
      this.runs += 1;
      if (hung || REFUSED.test(text)) this.refused.push(`${words.join(' ')}: ${hung ? 'it hangs' : text.trim()}`);
      await delay(PAUSE_MS);
    }
  }

  async end(): Promise<void> {
    this.#over = true;
    await Promise.all(this.#working);
  }
}

/** Where somebody who is no updater puts a program. */
export const FOREIGN = 'usr/local/bin/foreign';

/** Whether a program that no updater brought is refused. */
export async function isForeignRefused(root: string): Promise<boolean> {
  const path = join(root, FOREIGN);
  rmSync(path, { force: true });
  copyFileSync(join(root, 'usr/bin/true'), path);
  const { code, text } = await inside(root, [`/${FOREIGN}`]);
  rmSync(path);
  return code !== 0 && REFUSED.test(text);
}
