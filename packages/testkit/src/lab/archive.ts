import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseStanzas, type Stanza } from './control.ts';
import { runTool } from './tools.ts';

const MIRROR = 'http://deb.debian.org';
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** The packages of one Debian suite, seen through a private apt: what the machine itself installs from plays no part. */
export interface DebianArchive extends AsyncDisposable {
  /** The newest version of a package; undefined where the suite has none. */
  show(name: string): Promise<Stanza | undefined>;
  /** Downloads packages, each as `NAME` or `NAME=VERSION`, into a directory; apt checks them against the signed index. */
  download(packages: readonly string[], directory: string): Promise<void>;
}

/** @throws SystemError LAB-PACKAGES where the mirror cannot be reached or its signature is not Debian's */
export async function openArchive(suite: string, signal?: AbortSignal): Promise<DebianArchive> {
  const root = await mkdtemp(join(tmpdir(), 'assay-apt-'));
  const dispose = async (): Promise<void> => rm(root, { recursive: true, force: true });
  const call = async (program: string, args: readonly string[], cwd?: string): Promise<string> =>
    runTool(program, [...options(root), ...args], { code: 'LAB-PACKAGES', signal, cwd });
  try {
    await prepare(root, suite);
    await call('apt-get', ['-o', 'APT::Update::Error-Mode=any', 'update']);
  } catch (error) {
    await dispose();
    throw error;
  }
  return {
    show: async (name) => {
      const known = await call('apt-cache', ['search', '--names-only', `^${name.replaceAll(/[+.]/g, '\\$&')}$`]);
      if (known === '') return undefined;
      return parseStanzas(await call('apt-cache', ['show', '--no-all-versions', name]))[0];
    },
    download: async (packages, directory) => {
      await call('apt-get', ['download', ...packages], directory);
    },
    [Symbol.asyncDispose]: dispose,
  };
}

async function prepare(root: string, suite: string): Promise<void> {
  await mkdir(join(root, 'lists/partial'), { recursive: true });
  await mkdir(join(root, 'cache/archives/partial'), { recursive: true });
  await writeFile(join(root, 'status'), '');
  await writeFile(join(root, 'sources.list'), sources(suite));
}

function sources(suite: string): string {
  const line = (path: string, name: string): string => `deb [signed-by=${KEYRING}] ${MIRROR}/${path} ${name} main\n`;
  return line('debian', suite) + line('debian-security', `${suite}-security`);
}

function options(root: string): string[] {
  const settings = {
    'Dir::Etc::sourcelist': join(root, 'sources.list'),
    'Dir::Etc::sourceparts': '-',
    'Dir::State': root,
    'Dir::State::lists': join(root, 'lists'),
    'Dir::State::status': join(root, 'status'),
    'Dir::Cache': join(root, 'cache'),
    'APT::Architecture': 'amd64',
    // apt's own user cannot write into directories of root.
    'APT::Sandbox::User': 'root',
  };
  return Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
}
