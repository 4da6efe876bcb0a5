import { growth, type Sample } from './memory.ts';

/** Before that nothing can be said about growth. */
const JUDGED_MINUTES = 10;
const GROWTH_LIMIT = 16 * 1024 * 1024;

/** What a soak brought. */
export interface SoakResult {
  readonly minutes: number;
  readonly rounds: number;
  readonly transactions: number;
  readonly failed: readonly string[];
  /** Programs that ran beside the transactions. */
  readonly runs: number;
  readonly refused: readonly string[];
  /** Refusals in the audit records, but for those of foreign programs. */
  readonly denied: readonly string[];
  /** Programs that no updater brought. */
  readonly foreign: { readonly tried: number; readonly refused: number; readonly recorded: number };
  readonly samples: readonly Sample[];
  /** Openings without a verdict in time. */
  readonly lost: number;
  readonly inOrder: boolean;
  readonly agrees: boolean;
  readonly entries: number;
}

export interface Judgement {
  readonly what: string;
  readonly holds: boolean;
  readonly shown?: readonly string[];
}

export function judge(result: SoakResult): Judgement[] {
  const { transactions, rounds, failed, runs, refused, denied, foreign, inOrder, agrees, entries } = result;
  return [
    { what: `${transactions} transactions in ${rounds} rounds, ${failed.length} failed`, ...none(failed) },
    { what: `${runs} programs ran meanwhile, ${refused.length} refused`, ...none(refused) },
    { what: `${denied.length} other refusals in the audit records`, ...none(denied) },
    {
      what: `${foreign.refused} of ${foreign.tried} programs that no updater brought refused, ${foreign.recorded} recorded`,
      holds: foreign.refused === foreign.tried && foreign.recorded >= foreign.tried,
    },
    { what: `the list of ${entries} entries ${agrees ? 'agrees' : 'does not agree'} with PCR 10`, holds: agrees },
    { what: `the engine ended ${inOrder ? 'in order' : 'otherwise'}`, holds: inOrder },
    memory(result),
  ];
}

function none(shown: readonly string[]): Omit<Judgement, 'what'> {
  return { holds: shown.length === 0, shown };
}

function memory({ samples, minutes }: SoakResult): Judgement {
  const { engine, supervisor } = growth(samples);
  const isLong = minutes >= JUDGED_MINUTES;
  const grown = `engine ${megabytes(engine)} MB, supervisor ${megabytes(supervisor)} MB`;
  const limit = isLong ? `limit ${megabytes(GROWTH_LIMIT)}` : 'too short to judge';
  return {
    what: `memory grew in the second half by ${grown} (${limit})`,
    holds: !isLong || (engine <= GROWTH_LIMIT && supervisor <= GROWTH_LIMIT),
  };
}

export function megabytes(bytes: number): string {
  return (bytes / (1024 * 1024)).toFixed(1);
}
