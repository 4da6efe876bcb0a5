import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SystemError } from '@assay/core/errors';
import type { GuestFile } from './initrd.ts';
import type { Firmware } from './firmware.ts';
import { runTool } from './tools.ts';

/** Who may sign: the platform, who changes the databases, and two keys for what is started. */
const HOLDERS = ['PK', 'KEK', 'db', 'db2'] as const;
type Holder = (typeof HOLDERS)[number];

/** Owner of the lab's keys in signature lists: any GUID does. */
const OWNER = '7b1d4a4e-52a5-4c0e-9f0c-6a73736179aa';

/** A variable as it is handed to the firmware: its new value, signed by somebody who may change it. */
interface Update {
  readonly variable: 'PK' | 'KEK' | 'db';
  readonly holder: Holder;
  readonly signer: Holder;
}

/** The platform's own key comes last: it ends setup mode. */
const ENROLMENT: readonly Update[] = [
  { variable: 'db', holder: 'db', signer: 'KEK' },
  { variable: 'KEK', holder: 'KEK', signer: 'PK' },
  { variable: 'PK', holder: 'PK', signer: 'PK' },
];
const EXCHANGE: readonly Update[] = [{ variable: 'db', holder: 'db2', signer: 'KEK' }];

/** Secure Boot keys of the lab's own. */
export class SecureBootKeys {
  readonly #directory: string;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  /**
   * Makes keys, and the signed updates of variables.
   * @param directory an existing one, which must outlive the keys
   * @throws SystemError LAB-TOOL without openssl and efitools
   */
  static async make(directory: string): Promise<SecureBootKeys> {
    const keys = new SecureBootKeys(directory);
    for (const holder of HOLDERS) await keys.#makeKey(holder);
    for (const update of [...ENROLMENT, ...EXCHANGE]) await keys.#signUpdate(update);
    return keys;
  }

  /** What {@link make} left in a directory. */
  static in(directory: string): SecureBootKeys {
    return new SecureBootKeys(directory);
  }

  /** Files for `update-variables` of the guest, which ends setup mode with them. */
  enrolment(): Promise<GuestFile[]> {
    return this.#updates(ENROLMENT);
  }

  /** The same, to put the second key of db in the place of the first. */
  exchange(): Promise<GuestFile[]> {
    return this.#updates(EXCHANGE);
  }

  /** A certificate in DER. */
  certificate(holder: Holder): Promise<Uint8Array> {
    return readFile(this.#path(`${holder}.der`));
  }

  /** Signs a program for UEFI. */
  async sign(image: string, holder: 'db' | 'db2'): Promise<void> {
    const key = ['--key', this.#path(`${holder}.key`), '--cert', this.#path(`${holder}.pem`)];
    await tool('sbsign', [...key, '--output', image, image]);
  }

  async #makeKey(holder: Holder): Promise<void> {
    const [key, pem, der] = ['key', 'pem', 'der'].map((end) => this.#path(`${holder}.${end}`));
    const request = ['req', '-x509', '-newkey', 'rsa:2048', '-sha256', '-nodes', '-days', '36500'];
    await tool('openssl', [...request, '-subj', `/CN=Kernel lab ${holder}/`, '-keyout', key, '-out', pem]);
    await tool('openssl', ['x509', '-in', pem, '-outform', 'DER', '-out', der]);
    await tool('cert-to-efi-sig-list', ['-g', OWNER, pem, this.#path(`${holder}.esl`)]);
  }

  async #signUpdate({ variable, holder, signer }: Update): Promise<void> {
    const key = ['-k', this.#path(`${signer}.key`), '-c', this.#path(`${signer}.pem`)];
    const time = ['-t', TIMES[holder]];
    await tool('sign-efi-sig-list', [
      ...time,
      ...key,
      variable,
      this.#path(`${holder}.esl`),
      this.#path(`${holder}.auth`),
    ]);
  }

  async #updates(updates: readonly Update[]): Promise<GuestFile[]> {
    const program = await readFile(join(import.meta.dirname, 'guest/update-variables'));
    const files = updates.map(async ({ variable, holder }, index) => ({
      path: `variables/${index}-${variable}`,
      data: await readFile(this.#path(`${holder}.auth`)),
    }));
    return [{ path: 'update-variables', data: program, executable: true }, ...(await Promise.all(files))];
  }

  #path(name: string): string {
    return join(this.#directory, name);
  }
}

/** The firmware takes an update only with a later time than the one before. */
const TIMES: Readonly<Record<Holder, string>> = {
  PK: '2026-01-01 00:00:00',
  KEK: '2026-01-01 00:00:00',
  db: '2026-01-01 00:00:00',
  db2: '2026-01-02 00:00:00',
};

async function tool(program: string, args: readonly (string | undefined)[]): Promise<void> {
  await runTool(program, args.map(String), { code: 'LAB-GUEST' });
}

/** Of AUTHENTICATED_VARIABLE_HEADER (edk2, MdeModulePkg/Include/Guid/VariableFormat.h). */
const HEADER = { bytes: 60, startId: 0x55aa, stateAt: 2, added: 0x3f } as const;

/**
 * Switches Secure Boot off with its keys in place, as the menu of the firmware does; no system may.
 * @throws SystemError LAB-GUEST where the flash has no keys yet
 */
export async function switchSecureBootOff({ variables }: Pick<Firmware, 'variables'>): Promise<void> {
  const flash = await readFile(variables);
  const name = Buffer.from('SecureBootEnable\0', 'utf16le');
  for (let at = flash.indexOf(name); at >= 0; at = flash.indexOf(name, at + 1)) {
    const header = flash.subarray(at - HEADER.bytes, at);
    if (header.readUInt16LE() !== HEADER.startId || header[HEADER.stateAt] !== HEADER.added) continue;
    flash[at + name.length] = 0;
    await writeFile(variables, flash);
    return;
  }
  throw new SystemError(
    'LAB-GUEST',
    'the flash of the firmware has no variable SecureBootEnable: no keys are enrolled',
  );
}
