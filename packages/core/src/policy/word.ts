import type { PolicyToken } from './lines.ts';
import { hasVersion, type KernelProfile } from './profile.ts';
import { refusal, type Refusal } from './refusal.ts';
import type { Draft, Part } from './rule.ts';

/** A word with its value, at the moment the kernel reads it. */
export interface Word {
  readonly token: PolicyToken;
  readonly name: string;
  readonly operator: string;
  readonly value: string;
  readonly draft: Draft;
  readonly profile: KernelProfile;
}

/** Takes a word into the draft, or says why the kernel does not. */
export type WordReader = (word: Word) => Refusal | undefined;

export function refuseValue({ name, value, token }: Word, wanted: string): Refusal {
  return refusal('RULE-VALUE', `${name} takes ${wanted}, not ${JSON.stringify(value.slice(0, 60))}`, token);
}

export function refuseSecond({ name, token }: Word, why = `${name} may stand in a rule only once`): Refusal {
  return refusal('RULE-REPEATED', why, token);
}

/** A refusal unless the kernel is at least so new. */
export function needsVersion({ profile, token }: Word, what: string, least: string): Refusal | undefined {
  if (hasVersion(profile, least)) return undefined;
  return refusal('RULE-KERNEL-VERSION', `${what} needs Linux ${least} or later`, token);
}

export function needsOption({ token }: Word, what: string, option: string): Refusal {
  return refusal('RULE-KERNEL-OPTION', `${what} needs a kernel with ${option}`, token);
}

export function setPart({ draft, token }: Word, part: Part): undefined {
  draft.parts.set(part, token);
}
