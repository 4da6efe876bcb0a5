import type { Finding, Measurement, Rung, Verdict } from '@assay/wire';

/** The hues of style.css. A tone never stands without a word and an icon. */
export type Tone = 'good' | 'caution' | 'bad' | 'old' | 'open' | 'quiet';

export const VERDICT_TONES: Readonly<Record<Verdict, Tone>> = {
  trusted: 'good',
  warning: 'caution',
  failed: 'bad',
  stale: 'old',
  unverified: 'open',
  pending: 'quiet',
};

export const RUNG_TONES: Readonly<Record<Rung['state'], Tone>> = {
  ok: 'good',
  warning: 'caution',
  failed: 'bad',
  waiting: 'quiet',
};

export const SEVERITY_TONES: Readonly<Record<Finding['severity'], Tone>> = { warning: 'caution', failed: 'bad' };

export const STATUS_TONES: Readonly<Record<Measurement['status'], Tone>> = {
  known: 'good',
  signed: 'good',
  excluded: 'caution',
  denied: 'bad',
  unknown: 'bad',
  changed: 'bad',
  violation: 'caution',
  unjudged: 'open',
  'boot-aggregate': 'quiet',
  'engine-record': 'quiet',
};
