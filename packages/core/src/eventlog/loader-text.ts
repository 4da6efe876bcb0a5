import { concat, isAllZero, printable, utf8 } from '../bytes/index.ts';
import type { BootEvent } from './types.ts';
import { utf16Text } from './variable.ts';

type LoaderTextKind = 'grub-command' | 'kernel-command-line' | 'module-command-line' | 'mok' | 'loader-text';

/** What GRUB, systemd-boot and shim say in an EV_IPL event. */
export interface LoaderText {
  readonly kind: LoaderTextKind;
  /** Escaped for people. */
  readonly text: string;
  /** The bytes of the text in the event without the word in front, and the same with the whole NUL behind. */
  readonly bytes: Uint8Array;
  readonly withNul: Uint8Array;
  /** Whether a word that is not hashed stands in front. */
  readonly prefixed: boolean;
}

/** grub-core/commands/efi/tpm.c, grub_tpm_verify_string; the forms without a colon are those of RHEL 8. */
const PREFIXES: readonly (readonly [prefix: string, kind: LoaderTextKind])[] = [
  ['grub_cmd: ', 'grub-command'],
  ['grub_cmd ', 'grub-command'],
  ['kernel_cmdline: ', 'kernel-command-line'],
  ['grub_kernel_cmdline ', 'kernel-command-line'],
  ['module_cmdline: ', 'module-command-line'],
];
const LONGEST_PREFIX = 20;
const MOK_NAMES = new Set(['MokList', 'MokListX', 'MokListTrusted', 'SbatLevel', 'MokSBState']);
/** systemd-boot measured the command line into PCR 8, and the stub does into PCR 12. */
const WIDE_COMMAND_LINE_PCRS = new Set([8, 12]);
/** Bytes; no command line or menu entry is longer. */
const TEXT_LIMIT = 256 * 1024;

/** @returns undefined for data that are no text */
export function loaderText({ pcr, data }: Pick<BootEvent, 'pcr' | 'data'>): LoaderText | undefined {
  if (data.length > TEXT_LIMIT) return undefined;
  return wideText(pcr, data) ?? narrowText(data);
}

function narrowText(data: Uint8Array): LoaderText | undefined {
  const all = data.subarray(0, data.at(-1) === 0 ? -1 : undefined);
  if (all.length === 0 || all.includes(0)) return undefined;
  const head = String.fromCharCode(...all.subarray(0, LONGEST_PREFIX));
  const [prefix, named] = PREFIXES.find(([word]) => head.startsWith(word)) ?? [''];
  const kind = named ?? (MOK_NAMES.has(printable(all)) ? 'mok' : 'loader-text');
  const bytes = all.subarray(prefix.length);
  return { kind, text: printable(bytes), bytes, withNul: data.subarray(prefix.length), prefixed: prefix !== '' };
}

/** UTF-16 with a NUL; systemd-boot of old logs only half of that. */
function wideText(pcr: number, data: Uint8Array): LoaderText | undefined {
  const bytes = data.subarray(0, data.length % 2 === 0 ? -2 : -1);
  if (bytes.length < 2 || bytes[1] !== 0 || !isAllZero(data.subarray(bytes.length))) return undefined;
  const text = utf16Text(bytes);
  if (text.includes('\0')) return undefined;
  const kind = WIDE_COMMAND_LINE_PCRS.has(pcr) ? 'kernel-command-line' : 'loader-text';
  return { kind, text: printable(utf8(text)), bytes, withNul: concat([bytes, new Uint8Array(2)]), prefixed: false };
}
