import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { FormatError, SystemError, VerificationError } from '@assay/core/errors';
import type { PolicySource, Snapshot } from './source.ts';

const run = promisify(execFile);

const LIMIT_MILLISECONDS = 120_000;
const REF = 'refs/heads/assay-source';
const LINE_LIMIT = 1024 * 1024;

export interface GitOptions {
  /** Address, or path of a repository. */
  readonly origin: string;
  readonly branch: string;
  /** Directory of a bare repository of the verifier's own, into which the branch is fetched. */
  readonly cache: string;
  /** File of SSH keys that may sign commits, as ssh-keygen(1) has it (ALLOWED SIGNERS); without it commits are not checked. */
  readonly signers?: string | undefined;
}

/**
 * A branch of a Git repository. Nothing is checked out: files are read as objects, so links, hooks and filters of the
 * repository have no effect. The transport is not believed: a signature of the commit or of the documents is.
 */
export function gitSource(options: GitOptions): PolicySource {
  const { origin, branch } = options;
  return { origin, branch, snapshot: (stop) => snapshot(options, stop) };
}

async function snapshot({ origin, branch, cache, signers }: GitOptions, stop: AbortSignal): Promise<Snapshot> {
  await git(['init', '--quiet', '--bare', '--', cache]);
  const inCache = (...words: string[]): string[] => [`--git-dir=${cache}`, ...words];
  await git(inCache('fetch', '--quiet', '--no-tags', '--force', '--', origin, `+refs/heads/${branch}:${REF}`), {
    stop,
  });
  const commit = (await git(inCache('rev-parse', '--verify', `${REF}^{commit}`))).toString().trim();
  const signer = signers === undefined ? null : await signerOf(cache, commit, signers);
  return { commit, signer, read: (path, most) => blob(cache, `${commit}:${path}`, most) };
}

/** @throws VerificationError POLICY-SIGNATURE */
async function signerOf(cache: string, commit: string, signers: string): Promise<string> {
  const keys = ['-c', `gpg.ssh.allowedSignersFile=${signers}`];
  // Which program looks at a signature, the signature says: one of OpenPGP or X.509 would be good by a keyring of the user.
  const others = ['gpg.program', 'gpg.openpgp.program', 'gpg.x509.program'].flatMap((name) => ['-c', `${name}=false`]);
  const trust = ['-c', 'gpg.format=ssh', ...keys, ...others];
  const words = ['log', '-1', '--format=%G?%n%GS', commit];
  const [state, signer = ''] = (await git([...trust, `--git-dir=${cache}`, ...words])).toString().split('\n');
  // G: good, by a key of the file. U would be a good signature by a key that is not in it.
  if (state === 'G' && signer !== '') return signer;
  throw new VerificationError('POLICY-SIGNATURE', `commit ${commit} is not signed by a key that is trusted`);
}

async function blob(cache: string, name: string, most: number): Promise<Uint8Array> {
  const size = Number((await git([`--git-dir=${cache}`, 'cat-file', '-s', name])).toString());
  if (size > most) throw new FormatError('BYTES-LIMIT', `${name} has ${size} bytes`);
  return git([`--git-dir=${cache}`, 'cat-file', 'blob', name], { most: size + 1 });
}

/** @throws SystemError POLICIES-SOURCE */
async function git(
  words: readonly string[],
  { most = LINE_LIMIT, stop }: { readonly most?: number; readonly stop?: AbortSignal } = {},
): Promise<Buffer> {
  const safe = ['-c', 'protocol.ext.allow=never', '-c', 'core.hooksPath=/dev/null'];
  const environment = { ...process.env, GIT_TERMINAL_PROMPT: '0', LC_ALL: 'C' };
  try {
    const limits = { maxBuffer: most, timeout: LIMIT_MILLISECONDS, ...(stop === undefined ? {} : { signal: stop }) };
    const options = { encoding: 'buffer', env: environment, ...limits } as const;
    return (await run('git', [...safe, ...words], options)).stdout;
  } catch (error) {
    throw new SystemError('POLICIES-SOURCE', `git: ${reasonOf(error)}`, { cause: error });
  }
}

/** What git said last, without the lines of advice before it. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if ('code' in error && error.code === 'ENOENT') return 'the command is not installed';
  const said = 'stderr' in error && error.stderr instanceof Buffer ? error.stderr.toString() : '';
  const line = said.split('\n').find((each) => /^(?:fatal|error):/.test(each));
  return (line ?? error.message).slice(0, 300);
}
