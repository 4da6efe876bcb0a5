import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** A software TPM as its maker delivers it. */
export interface ManufacturedSwtpm {
  /** State directory, for `startSwtpm`. */
  readonly state: string;
  /** Certificates in PEM: the authority that signed those in the TPM, and the root above it. */
  readonly authority: string;
  readonly root: string;
}

/**
 * Gives a new software TPM endorsement keys with certificates of a maker of its own.
 * @param directory an empty one, which must outlive the TPM
 * @throws Error where swtpm_setup is missing (`apt-get install swtpm-tools`) or fails
 */
export async function manufactureSwtpm(directory: string): Promise<ManufacturedSwtpm> {
  const path = (name: string): string => join(directory, name);
  await mkdir(path('ca'));
  await mkdir(path('state'));
  const [ca, options] = [path('localca.conf'), path('localca.options')];
  await writeFile(
    ca,
    `statedir = ${path('ca')}\nsigningkey = ${path('ca/key.pem')}\nissuercert = ${path('ca/cert.pem')}\ncertserial = ${path('ca/serial')}\n`,
  );
  await writeFile(options, '--platform-manufacturer Maker\n--platform-version 1\n--platform-model Test\n');
  const setup = `create_certs_tool = /usr/bin/swtpm_localca\ncreate_certs_tool_config = ${ca}\ncreate_certs_tool_options = ${options}\n`;
  await writeFile(path('setup.conf'), setup);
  const words = ['--tpm2', '--tpmstate', path('state'), '--create-ek-cert', '--create-platform-cert', '--lock-nvram'];
  await promisify(execFile)('swtpm_setup', [...words, '--config', path('setup.conf')], { timeout: 60_000 });
  const [authority, root] = [path('ca/cert.pem'), path('ca/swtpm-localca-rootca-cert.pem')];
  return { state: path('state'), authority, root };
}
