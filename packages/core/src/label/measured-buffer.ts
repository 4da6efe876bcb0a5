import { FormatError, type FormatCode } from '../errors/index.ts';
import type { Hasher } from '../hash/index.ts';
import { keyIdOfCertificate, parseCertificate, type ParsedCertificate } from '../keys/index.ts';
import { ENGINE_RECORDS } from '../measurement/index.ts';

/** What a part of an entry is not, where its bytes are not of the form that its place promises. */
export interface Unreadable {
  readonly kind: 'unreadable';
  readonly raw: Uint8Array;
  readonly problem: { readonly code: FormatCode; readonly message: string };
}

/** A key that was added to a keyring (rule `func=KEY_CHECK`). */
export interface MeasuredKey {
  readonly kind: 'key';
  readonly keyring: string;
  readonly certificate: ParsedCertificate;
  /** Under which labels name it. */
  readonly keyId: number;
}

/**
 * The buffer of an entry, read as its event name says. Nothing in the list tells who handed it to the kernel: a rule that
 * measures keys of a keyring of any name could be given one called as an event is.
 */
export type MeasuredBuffer =
  | MeasuredKey
  | (Unreadable & { readonly keyring: string })
  /** `pairs` where the text is `name=value;` throughout. */
  | {
      readonly kind: 'text';
      readonly event: string;
      readonly text: string;
      readonly pairs?: readonly (readonly [name: string, value: string])[];
    }
  /** Critical data that were measured as their digest, or a digest that is on the blacklist. */
  | { readonly kind: 'digest'; readonly event: string; readonly value: Uint8Array }
  | { readonly kind: 'data'; readonly event: string; readonly raw: Uint8Array };

const DIGEST_EVENTS: ReadonlySet<string> = new Set([
  'selinux-policy-hash', // security/selinux/ima.c
  'init_module', // kernel/module/main.c, since 6.10
  'blacklisted-hash', // ima_appraise.c, ima_check_blacklist
]);

/** Events that are no keyrings, though a certificate might follow. */
const TEXT_EVENTS: ReadonlySet<string> = new Set([
  'kexec-cmdline',
  'kernel_version',
  'kexec_load',
  'kexec_execute',
  'selinux-state',
  'ima_policy_loaded',
  'ima_policy_written',
  ...Object.values(ENGINE_RECORDS),
]);

/** Keyrings of the kernel, and those that user space makes for IMA and EVM. */
const KEYRING = /^(?:\.[a-z_]+|_ima|_evm|_module)$/;
const SEQUENCE = 0x30;

/** @param event the entry's name @param buffer its `buf` field, not empty */
export function readMeasuredBuffer(hasher: Hasher, event: string, buffer: Uint8Array): MeasuredBuffer {
  if (DIGEST_EVENTS.has(event)) return { kind: 'digest', event, value: buffer };
  if (!TEXT_EVENTS.has(event) && (KEYRING.test(event) || buffer[0] === SEQUENCE)) {
    const key = readable(buffer, () => readKey(hasher, event, buffer));
    if (key.kind === 'key') return key;
    if (KEYRING.test(event)) return { ...key, keyring: event };
  }
  const text = soundText(buffer);
  if (text === undefined) return { kind: 'data', event, raw: buffer };
  const pairs = pairsOf(text);
  return { kind: 'text', event, text, ...(pairs === undefined ? {} : { pairs }) };
}

/** What can be read, or why it cannot. */
export function readable<T>(raw: Uint8Array, read: () => T): T | Unreadable {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return { kind: 'unreadable', raw, problem: { code: error.code, message: error.message } };
  }
}

function readKey(hasher: Hasher, keyring: string, der: Uint8Array): MeasuredKey {
  const certificate = parseCertificate(der);
  return { kind: 'key', keyring, certificate, keyId: keyIdOfCertificate(hasher, certificate) };
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** UTF-8 without control characters other than those that make lines. */
function soundText(bytes: Uint8Array): string | undefined {
  try {
    const text = decoder.decode(bytes);
    return /[^\P{Cc}\n\t]/u.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}

function pairsOf(text: string): [string, string][] | undefined {
  if (!/^(?:[a-z_]+=[^;=\n]*;)+$/.test(text)) return undefined;
  return text
    .slice(0, -1)
    .split(';')
    .map((pair) => {
      const equals = pair.indexOf('=');
      return [pair.slice(0, equals), pair.slice(equals + 1)];
    });
}
