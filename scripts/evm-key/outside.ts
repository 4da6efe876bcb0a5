import { chmod, chown, copyFile, mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { utf8 } from '@assay/core/bytes';
import { SystemError } from '@assay/core/errors';
import { bootKernel } from '@assay/testkit/lab';
import {
  askedKernel,
  filledImage,
  readAll,
  runCommand,
  type AskOptions,
  type GuestAnswer,
} from '@assay/testkit/suites';
import { startSwtpm } from '@assay/testkit/swtpm';
import { getXattr, listXattrs, setXattr } from '@assay/linux/xattr';
import { ASSAY_COMMAND, commandImage } from './command-tree.ts';
import { ALTERATIONS, CHANGES, UUID } from './names.ts';

const TIMEOUT_MS = 15 * 60 * 1000;
const CMDLINE = 'ima_appraise=enforce audit=1';
const IMAGE = { options: ['-O', '^has_journal', '-b', '1024', '-N', '256'], size: 4 * 1024 * 1024, uuid: UUID };

/** Keys that are sealed to a TPM here, and loaded by the same TPM in a guest. */
export async function loadInGuest(options: AskOptions): Promise<GuestAnswer[]> {
  const directory = await mkdtemp(join(tmpdir(), 'assay-evm-key-'));
  const bench = { directory, keys: join(directory, 'keys'), tpmState: join(directory, 'tpm') };
  try {
    await makeKeys(bench, await guestPcrs(directory, options));
    const { image } = await filledImage(IMAGE, async (root) => fill(root, bench.keys));
    return [await bootGuest(bench, image, options)];
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

interface Bench {
  readonly directory: string;
  /** As /etc/keys would be. */
  readonly keys: string;
  readonly tpmState: string;
}

async function bootGuest(
  { directory, keys, tpmState }: Bench,
  image: Uint8Array,
  options: AskOptions,
): Promise<GuestAnswer> {
  const [out, tree] = [join(directory, 'out'), join(directory, 'command.img')];
  await commandImage(tree, options.signal);
  await mkdir(out);
  const program = { path: 'guest.py', data: await readFile(join(import.meta.dirname, 'guest.py')), executable: true };
  const given = ['evm-user.blob', ...SEALED].map(async (name) => {
    return { path: `keys/${name}`, data: await readFile(join(keys, name)) };
  });
  const { kernel, status, stderr } = await bootKernel({
    ...options,
    cmdline: CMDLINE,
    timeoutMs: TIMEOUT_MS,
    command: ['./guest.py', ...ASSAY_COMMAND],
    files: [...(await Promise.all(given)), { path: 'image.gz', data: image }, program],
    tree,
    tpmState,
    out,
  });
  const said = Buffer.from(stderr).toString();
  if (status !== 0) throw new SystemError('LAB-GUEST', `guest.py ended with ${status}: ${said}`);
  const kept = ['evm-user.blob', 'kmk'].map(async (name) => [name, await readFile(join(keys, name))] as const);
  return { kernel: await askedKernel(kernel), asked: new Map(await Promise.all(kept)), files: await readAll(out) };
}

/** For the PCRs of a TPM that was just switched on, and for those of the guest. */
const SEALED = ['kmk-user.sealed', 'kmk-user.1.sealed'];
const PCRS = [0, 2, 4, 7];

/** What the firmware of the guest brings into the PCRs, in a file for `--also-pcrs`. */
async function guestPcrs(directory: string, options: AskOptions): Promise<string> {
  const out = join(directory, 'pcrs');
  await mkdir(out);
  const values = PCRS.map((pcr) => `echo sha256:${pcr} $(cat /sys/class/tpm/tpm0/pcr-sha256/${pcr})`);
  const command = ['sh', '-c', `{ ${values.join('; ')}; } > out/pcrs`];
  const { status } = await bootKernel({ ...options, timeoutMs: TIMEOUT_MS, command, out });
  if (status !== 0) throw new SystemError('LAB-GUEST', `the guest has no PCRs: ${status}`);
  return join(out, 'pcrs');
}

async function makeKeys({ keys, tpmState }: Bench, pcrs: string): Promise<void> {
  await mkdir(keys);
  const tpm = await startSwtpm(tpmState);
  const files = ['--dir', keys, '--backup', join(keys, 'kmk'), '--also-pcrs', pcrs];
  try {
    const sealed = ['--pcrs', `sha256:${PCRS.join(',')}`, '--tpm', `swtpm:unix:${tpm.socketPath}`];
    await runCommand(['assay', 'key', 'evm', 'create', ...files, ...sealed]);
  } finally {
    await tpm.stop();
  }
}

async function fill(root: string, keys: string): Promise<void> {
  const paths = ALTERATIONS.flatMap((alteration) => CHANGES.map((change) => ({ alteration, change })));
  const files = paths.map(({ alteration, change }, index) => ({ alteration, path: join(root, `${index}-${change}`) }));
  for (const [index, { path }] of files.entries()) await writeFile(path, `file ${index}\n`, { mode: 0o644 });
  await runCommand(['assay', 'file', 'hash', root]);
  const key = ['--evm-key', join(keys, 'evm-user.blob'), '--master-key', join(keys, 'kmk')];
  await runCommand(['assay', 'evm', 'hmac', ...key, '--uuid', UUID, root]);
  for (const { alteration, path } of files) await alter(alteration, path);
}

async function alter(alteration: (typeof ALTERATIONS)[number], path: string): Promise<void> {
  switch (alteration) {
    case 'none':
      return;
    case 'content':
      return writeFile(path, 'another');
    case 'mode':
      return chmod(path, 0o664);
    case 'owner':
      return chown(path, 1000, 0);
    case 'inode':
      await copyFile(path, `${path}~`);
      await chmod(`${path}~`, (await stat(path)).mode & 0o7777);
      for (const name of listXattrs(utf8(path)))
        setXattr(utf8(`${path}~`), name, getXattr(utf8(path), name) ?? utf8(''));
      return rename(`${path}~`, path);
  }
}
