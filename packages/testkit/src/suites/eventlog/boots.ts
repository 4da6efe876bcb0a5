import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromHex, utf8 } from '@assay/core/bytes';
import { firmwareInSetupMode, SecureBootKeys, switchSecureBootOff, type GuestFile } from '../../lab/index.ts';
import { quoteFile, type QuoteQuestion } from '../quoted.ts';
import { ask, type AskOptions, type Guest, type GuestAnswer } from '../suite.ts';

const TIMEOUT_MS = 5 * 60 * 1000;

/** What the TPM of each boot quotes. */
export const QUESTION: QuoteQuestion = {
  nonce: fromHex('0f1e2d3c4b5a69788796a5b4c3d2e1f0'),
  pcrs: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
};

/** The boots of one machine, in their order. */
export const BOOT_NAMES = ['setup mode', 'Secure Boot', 'another key in db', 'switched off'] as const;

/**
 * Boots one machine four times: without keys, then with keys that the first boot enrols, then with another key in db,
 * which the second boot puts there, and switched off.
 */
export async function bootsOfFirmware(options: AskOptions): Promise<GuestAnswer[]> {
  const directory = await mkdtemp(join(tmpdir(), 'assay-uefi-'));
  try {
    const firmware = await firmwareInSetupMode(join(directory, 'variables.fd'));
    const keys = await makeKeys(directory);
    const boot = async (index: number, signer: 'db' | 'db2' | undefined, files: GuestFile[] = []) => {
      const sign = signer === undefined ? undefined : async (image: string) => keys.sign(image, signer);
      return ask(await guestOf(index, keys, { firmware: { ...firmware, sign }, files }), options);
    };
    const answers = [
      await boot(0, undefined, await keys.enrolment()),
      await boot(1, 'db', await keys.exchange()),
      await boot(2, 'db2'),
    ];
    await switchSecureBootOff(firmware);
    return [...answers, await boot(3, undefined)];
  } finally {
    await rm(directory, { recursive: true });
  }
}

async function makeKeys(directory: string): Promise<SecureBootKeys> {
  await mkdir(join(directory, 'keys'));
  return SecureBootKeys.make(join(directory, 'keys'));
}

async function guestOf(index: number, keys: SecureBootKeys, machine: Guest['machine']): Promise<Guest> {
  const files = new Map([
    ['boot', utf8(BOOT_NAMES[index] ?? '')],
    ['quote', quoteFile(QUESTION)],
    ['db.der', await keys.certificate('db')],
    ['db2.der', await keys.certificate('db2')],
  ]);
  return { program: 'eventlog.py', files, timeoutMs: TIMEOUT_MS, ...(machine === undefined ? {} : { machine }) };
}
