import type { HashName, Hasher } from '../hash/index.ts';
import { coverageOf } from './coverage.ts';
import { decodeEvent } from './decode.ts';
import { isExtended } from './replay.ts';
import type { BootEvent, ParsedEventLog } from './types.ts';

/** What the log says of the kernel's command line. It is worth what the PCR is: compare that with a verified quote first. */
export type KernelCommandLine =
  | {
      /**
       * The whole text was hashed into the PCR. That it is the command line says the word that GRUB puts in front, or the
       * PCR, and those are not hashed: whoever sends the log could show another text of this PCR in its place.
       */
      readonly state: 'measured';
      /** Escaped for people. */
      readonly text: string;
      readonly pcr: number;
      readonly event: number;
    }
  | { readonly state: 'unknown'; readonly reason: string };

/** One text, measured as it stands in the log: of two, one may have been added behind the boot. */
export function kernelCommandLineOf(
  hasher: Hasher,
  log: Pick<ParsedEventLog, 'events'>,
  bank: HashName,
): KernelCommandLine {
  const found = log.events.flatMap((event) => textOf(event));
  const [first, second] = found;
  if (first === undefined) return unknown('no command line is logged');
  if (second !== undefined) return unknown(`events ${first.event.number} and ${second.event.number} both say one`);
  const { event, text } = first;
  const { covers } = coverageOf(hasher, event, bank);
  if (covers !== 'all' && covers !== 'part') return unknown(`event ${event.number} is not what was hashed`);
  return { state: 'measured', text, pcr: event.pcr, event: event.number };
}

function textOf(event: BootEvent): { event: BootEvent; text: string }[] {
  if (!isExtended(event)) return [];
  const decoded = decodeEvent(event);
  return decoded.kind === 'kernel-command-line' ? [{ event, text: decoded.text }] : [];
}

function unknown(reason: string): KernelCommandLine {
  return { state: 'unknown', reason };
}
