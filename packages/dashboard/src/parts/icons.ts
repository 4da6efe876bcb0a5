import type { Measurement, Rung, Verdict } from '@assay/wire';
import type { IconName } from './icon.tsx';

export const VERDICT_ICONS: Readonly<Record<Verdict, IconName>> = {
  trusted: 'check',
  warning: 'alert',
  failed: 'cross',
  stale: 'clock',
  unverified: 'question',
  pending: 'hourglass',
};

export const RUNG_ICONS: Readonly<Record<Rung['state'], IconName>> = {
  ok: 'check',
  warning: 'alert',
  failed: 'cross',
  waiting: 'dots',
};

export const STATUS_ICONS: Readonly<Record<Measurement['status'], IconName>> = {
  known: 'check',
  signed: 'stamp',
  excluded: 'dots',
  denied: 'cross',
  unknown: 'cross',
  changed: 'cross',
  violation: 'alert',
  unjudged: 'question',
  'boot-aggregate': 'bolt',
  'engine-record': 'cog',
};
