import { ACCESS, type EventFunction } from './event.ts';
import { ACCESS_NAMES } from './rule.ts';

/** `MAY_WRITE|MAY_READ`; `none` for 0. */
export function maskText(mask: number): string {
  return ACCESS_NAMES.filter((name) => (mask & ACCESS[name]) !== 0).join('|') || 'none';
}

/** @param text names with `|` between them, such as `MAY_READ|MAY_WRITE`, or `none`; undefined for any other text */
export function accessMask(text: string): number | undefined {
  if (text === 'none') return 0;
  const bits = text.split('|').map((word) => ACCESS_NAMES.find((name) => name === word));
  return bits.reduce<number | undefined>(
    (mask, name) => (mask === undefined || name === undefined ? undefined : mask | ACCESS[name]),
    0,
  );
}

/** The mask with which the kernel asks about a function; a plain read for FILE_CHECK, which can have any. */
export function functionMask(func: EventFunction): number {
  return MASKS[func] ?? ACCESS.MAY_READ;
}

const MASKS: Partial<Record<EventFunction, number>> = {
  MMAP_CHECK: ACCESS.MAY_EXEC,
  MMAP_CHECK_REQPROT: ACCESS.MAY_EXEC,
  BPRM_CHECK: ACCESS.MAY_EXEC,
  CREDS_CHECK: ACCESS.MAY_EXEC,
  KEXEC_CMDLINE: 0,
  KEY_CHECK: 0,
  CRITICAL_DATA: 0,
  POST_SETATTR: 0,
};
