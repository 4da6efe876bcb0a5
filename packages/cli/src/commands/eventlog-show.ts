import { toHex } from '@assay/core/bytes';
import {
  bootAggregateCandidates,
  coverageOf,
  decodeEvent,
  eventText,
  eventTypeName,
  kernelCommandLineOf,
  QUIRKS,
  secureBootOf,
  type BootEvent,
  type Coverage,
} from '@assay/core/eventlog';
import { nodeHasher } from '@assay/core/node';
import { z } from 'zod';
import {
  commandLineText,
  eventDocument,
  EventLogOptions,
  readEventLogFile,
  secureBootText,
  type EventLogFile,
} from '../eventlog-file.ts';
import { EXIT } from '../exit.ts';
import { optionsFrom } from '../options.ts';
import { jsonText } from '../output/report.ts';
import { printPieces } from '../output/stream.ts';
import { colours, shown, tableLines } from '../output/terminal.ts';

/** `assay eventlog show FILE`: what each event says, and what of that its digest would prove. */
export async function showEventLog(path: unknown, given: unknown): Promise<number> {
  const options = optionsFrom(EventLogOptions, given);
  const file = z.string().parse(path);
  const read = await readEventLogFile(file, options.bank);
  await printPieces(options.output === 'json' ? documentPieces(file, read) : textPieces(read));
  return EXIT.fine;
}

/** One JSON document, an event a line. */
function* documentPieces(file: string, { log, bank }: EventLogFile): Generator<string> {
  const { format, banks, startupLocality, padding, events } = log;
  const secureBoot = secureBootOf(nodeHasher, log, bank);
  const commandLine = kernelCommandLineOf(nodeHasher, log, bank);
  const bootAggregate = bootAggregateCandidates(nodeHasher, log);
  const head = { format, banks, bank, startupLocality, padding, secureBoot, commandLine, bootAggregate };
  yield `${jsonText({ schema: 'assay.eventlog.v1', file, ...head }).slice(0, -1)},"events":[\n`;
  for (const [index, event] of events.entries()) {
    yield `${jsonText(jsonEvent(event, bank))}${index === events.length - 1 ? '' : ','}\n`;
  }
  yield ']}\n';
}

function jsonEvent(event: BootEvent, bank: EventLogFile['bank']): object {
  const { number, offset, pcr, type } = event;
  return {
    event: number,
    offset,
    pcr,
    type: eventTypeName(type),
    digests: Object.fromEntries([...event.digests].map(([name, digest]) => [name, toHex(digest)])),
    ...coverageOf(nodeHasher, event, bank),
    data: eventDocument(decodeEvent(event)),
  };
}

const HEAD = ['EVENT', 'PCR', 'TYPE', 'DIGEST IS OF', 'WHAT IT SAYS'];
const COVERS: Readonly<Record<Coverage['covers'], string>> = {
  all: 'the data',
  part: 'a part',
  nothing: 'something else',
  unmeasured: '-',
  contradicted: 'OTHER DATA',
};

function* textPieces({ log, bank }: EventLogFile): Generator<string> {
  const { format, banks, events, startupLocality } = log;
  const locality = startupLocality === 0 ? '' : `, TPM started from locality ${startupLocality}`;
  yield `${format} log, ${events.length} events, banks ${banks.join(', ') || 'unknown'}${locality}\n`;
  const head = HEAD.map((title) => colours(1).dim(title));
  yield* tableLines({
    *[Symbol.iterator]() {
      yield head;
      for (const event of events) yield tableRow(event, bank);
    },
  });
  yield secureBootText(secureBootOf(nodeHasher, log, bank));
  yield commandLineText(kernelCommandLineOf(nodeHasher, log, bank));
  yield* quirkLines({ log, bank });
}

function tableRow(event: BootEvent, bank: EventLogFile['bank']): string[] {
  const { covers } = coverageOf(nodeHasher, event, bank);
  const { number, pcr, type } = event;
  return [
    String(number),
    pcr === 0xffffffff ? '-' : String(pcr),
    eventTypeName(type),
    COVERS[covers],
    shown(eventText(decodeEvent(event))),
  ];
}

function* quirkLines({ log, bank }: EventLogFile): Generator<string> {
  const quirks = new Set(log.events.map((event) => coverageOf(nodeHasher, event, bank).quirk));
  for (const quirk of quirks) {
    if (quirk !== undefined) yield `${quirk}: ${QUIRKS[quirk]}\n`;
  }
}
