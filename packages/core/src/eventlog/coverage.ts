import { equalBytes } from '../bytes/index.ts';
import { FormatError } from '../errors/index.ts';
import type { HashName, Hasher } from '../hash/index.ts';
import { digestRule, EVENT } from './event-types.ts';
import { loaderText } from './loader-text.ts';
import type { Quirk } from './quirks.ts';
import { isExtended } from './replay.ts';
import type { BootEvent } from './types.ts';
import { parseVariable } from './variable.ts';

/**
 * What of an event's data its digest proves, once the PCR is proved:
 * - `all`: the whole of the data;
 * - `part`: a part of them, by a known habit of who wrote it;
 * - `nothing`: the digest is of something that is not in the log, so that the data are a hint;
 * - `unmeasured`: the record is not extended at all;
 * - `contradicted`: by its type the digest should be of the data, and it is not: somebody changed the data.
 */
export interface Coverage {
  readonly covers: 'all' | 'part' | 'nothing' | 'unmeasured' | 'contradicted';
  readonly quirk?: Quirk;
}

/** Recomputes the digest of an event in one bank. The type decides only what it means that nothing fits. */
export function coverageOf(hasher: Hasher, event: BootEvent, bank: HashName): Coverage {
  const digest = event.digests.get(bank);
  if (!isExtended(event) || digest === undefined) return { covers: 'unmeasured' };
  const fits = (bytes: Uint8Array) => equalBytes(hasher.digest(bank, bytes), digest);
  if (fits(event.data)) return { covers: 'all' };
  const habit = habitsOf(event).find(({ hashed }) => fits(hashed));
  if (habit !== undefined) return { covers: 'part', quirk: habit.quirk };
  return { covers: digestRule(event.type) === 'data' ? 'contradicted' : 'nothing' };
}

interface Habit {
  readonly quirk: Quirk;
  readonly hashed: Uint8Array;
}

function habitsOf(event: BootEvent): Habit[] {
  switch (event.type) {
    case EVENT.variableAuthority:
      return event.data.length === 0 ? [] : [{ quirk: 'authority-extra-byte', hashed: event.data.subarray(0, -1) }];
    case EVENT.variableBoot:
    case EVENT.variableBoot2:
      return variableHabits(event.data);
    case EVENT.ipl:
      return loaderHabits(event);
    default:
      return [];
  }
}

function variableHabits(data: Uint8Array): Habit[] {
  try {
    return [{ quirk: 'boot-variable-data-only', hashed: parseVariable(data).data }];
  } catch (error) {
    if (error instanceof FormatError) return [];
    throw error;
  }
}

function loaderHabits(event: BootEvent): Habit[] {
  const text = loaderText(event);
  if (text === undefined) return [];
  const { bytes, withNul, prefixed } = text;
  if (!prefixed)
    return [
      { quirk: 'text-without-nul', hashed: bytes },
      { quirk: 'text-half-nul', hashed: withNul },
    ];
  return [
    { quirk: 'grub-prefix', hashed: bytes },
    { quirk: 'grub-prefix-with-nul', hashed: withNul },
  ];
}

/** Whether the digest is that of a separator of any known value, whatever the type of the record says. */
export function hashesLikeSeparator(hasher: Hasher, event: BootEvent, bank: HashName): boolean {
  const digest = event.digests.get(bank);
  return digest !== undefined && SEPARATORS.some((data) => equalBytes(hasher.digest(bank, data), digest));
}

/** Normal, the other normal value of old, and error (PC Client Platform Firmware Profile, section 10.4.1). */
const SEPARATORS = [Uint8Array.of(0, 0, 0, 0), Uint8Array.of(0xff, 0xff, 0xff, 0xff), Uint8Array.of(1, 0, 0, 0)];
