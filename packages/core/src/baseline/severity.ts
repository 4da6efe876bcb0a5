import type { Attribute, Drift } from './compare.ts';
import type { BaselineObject } from './object.ts';
import type { Reason } from './reason.ts';

/** The gravest first. */
export const SEVERITIES = ['critical', 'high', 'medium', 'low'] as const;
export type Severity = (typeof SEVERITIES)[number];

const SET_IDS = 0o6000;
/** Attributes that give power, or say what may run. */
const POWERFUL_XATTR = /^(?:security\.|system\.posix_acl_)/;
const GRAVE: ReadonlySet<Attribute> = new Set(['type', 'content', 'mode', 'owner', 'target', 'device']);

/**
 * How much a difference matters at 3 a.m.: critical is a file of a package whose content is not the package's; high is what
 * nothing explains and gives power or changes what runs; low is what a package explains.
 */
export function severityOf(drift: Drift, reason: Reason | undefined): Severity {
  if (reason?.content === 'foreign') return 'critical';
  if (drift.kind === 'unknown') return 'medium';
  if (reason?.explains === true) return 'low';
  if (drift.kind === 'changed') return ofChange(drift, reason?.action !== undefined);
  if (drift.kind === 'moved') return 'medium';
  return drift.kind === 'added' && isPowerful(drift.after) ? 'high' : 'medium';
}

function ofChange({ before, after, attributes }: Extract<Drift, { kind: 'changed' }>, isUpgraded: boolean): Severity {
  // Libraries are links that lead elsewhere after each upgrade.
  if (isUpgraded && attributes.every((attribute) => attribute === 'target' || attribute === 'mtime')) return 'medium';
  if (attributes.some((attribute) => GRAVE.has(attribute))) return 'high';
  if (attributes.includes('xattrs') && powersOf(before) !== powersOf(after)) return 'high';
  return attributes.every((attribute) => attribute === 'mtime') ? 'low' : 'medium';
}

function isPowerful(object: BaselineObject): boolean {
  const { type, mode } = object;
  if (type === 'character' || type === 'block') return true;
  return (
    type === 'file' &&
    ((mode & SET_IDS) !== 0 || (object.xattrs ?? []).some(([name]) => name === 'security.capability'))
  );
}

function powersOf(object: BaselineObject): string {
  return JSON.stringify((object.xattrs ?? []).filter(([name]) => POWERFUL_XATTR.test(name)));
}
