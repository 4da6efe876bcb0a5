import { concat, utf8 } from '@assay/core/bytes';
import { isExtended, parseEventLog } from '@assay/core/eventlog';
import type { Tpm } from '@assay/linux/tpm';
import { agileLog, GOOD, separator, withChanges, config, type ForgedEvent } from '../forge/index.ts';

export interface SimulatedBoot {
  /** Default on. */
  readonly secureBoot?: 'on' | 'off';
  readonly commandLine?: string;
}

/** EV_S_CRTM_VERSION, EV_EFI_ACTION, EV_EFI_BOOT_SERVICES_APPLICATION and EV_IPL. */
const VERSION = 0x8;
const ACTION = 0x80000007;
const APPLICATION = 0x80000003;
const LOADER = 0xd;

/** The boot event log of a machine with UEFI, shim and GRUB, as one of such would have it. */
export function simulatedEventLog({ secureBoot = 'on', commandLine = DEFAULT_LINE }: SimulatedBoot = {}): Uint8Array {
  const action = (pcr: number, text: string): ForgedEvent => ({ pcr, type: ACTION, data: utf8(text) });
  return agileLog([
    { pcr: 0, type: VERSION, data: Buffer.from('1.02 simulated\0', 'utf16le') },
    ...withChanges({
      secureBoot: config('SecureBoot', Uint8Array.of(secureBoot === 'on' ? 1 : 0)),
      authority: undefined,
    }),
    action(4, 'Calling EFI Application from Boot Option'),
    ...[0, 1, 2, 3, 4, 5, 6].map((pcr) => separator(pcr)),
    ...(secureBoot === 'on' ? [GOOD.authority] : []),
    { pcr: 4, type: APPLICATION, data: imageAt('\\EFI\\debian\\shimx64.efi'), hashed: utf8('shim 15.8') },
    { pcr: 14, type: LOADER, data: utf8('MokList\0'), hashed: utf8('no keys of the owner') },
    { pcr: 4, type: APPLICATION, data: imageAt('\\EFI\\debian\\grubx64.efi'), hashed: utf8('grub 2.12') },
    loaderText('grub_cmd: ', 'linux /vmlinuz-6.12 root=/dev/vda1'),
    { pcr: 9, type: LOADER, data: utf8('/vmlinuz-6.12\0'), hashed: utf8('linux 6.12') },
    { pcr: 9, type: LOADER, data: utf8('/initrd.img-6.12\0'), hashed: utf8('the initrd of 6.12') },
    loaderText('kernel_cmdline: ', commandLine),
    action(5, 'Exit Boot Services Invocation'),
    action(5, 'Exit Boot Services Returned with Success'),
  ]);
}

const DEFAULT_LINE = '/vmlinuz-6.12 root=/dev/vda1 ro ima_policy=tcb lockdown=integrity';

/** As GRUB does it: a word and a NUL that are not hashed. */
function loaderText(word: string, text: string): ForgedEvent {
  return { pcr: 8, type: LOADER, data: utf8(`${word}${text}\0`), hashed: utf8(text) };
}

/** UEFI_IMAGE_LOAD_EVENT with a file path and the end of a device path. */
function imageAt(path: string): Uint8Array {
  const name = Buffer.from(`${path}\0`, 'utf16le');
  const file = concat([Uint8Array.of(4, 4, (4 + name.length) & 0xff, (4 + name.length) >> 8), name]);
  const devicePath = concat([file, Uint8Array.of(0x7f, 0xff, 4, 0)]);
  const head = Buffer.alloc(32);
  head.writeBigUInt64LE(0x7e00_0000n, 0);
  head.writeBigUInt64LE(950_272n, 8);
  head.writeBigUInt64LE(BigInt(devicePath.length), 24);
  return concat([head, devicePath]);
}

/** Extends what the log says into a TPM that was just started, as the firmware did that wrote it. */
export async function extendEventLog(tpm: Tpm, log: Uint8Array): Promise<void> {
  const banks = await tpm.activeBanks();
  for (const event of parseEventLog(log).events) {
    const digests = [...event.digests].filter(([bank]) => banks.includes(bank));
    if (isExtended(event) && digests.length > 0) await tpm.extendPcr(event.pcr, new Map(digests));
  }
}
