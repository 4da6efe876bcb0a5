import type { Lines } from './jobs.ts';
import type { Judge } from './judge.ts';
import type { ReaderMessage, ReaderSetup } from './messages.ts';

/** What the reading thread works with. */
export interface ReaderParts {
  readonly setup: Pick<
    ReaderSetup,
    | 'group'
    | 'reportsThreads'
    | 'looksAtFlags'
    | 'bell'
    | 'failure'
    | 'leavesMarks'
    | 'answerLimit'
    | 'signals'
    | 'figures'
    | 'turbo'
    | 'vouch'
    | 'decider'
  >;
  readonly judge: Judge;
  /** Says something to the engine. */
  readonly tell: (message: ReaderMessage) => void;
  readonly measurers: Pick<Lines, 'ask' | 'answer'>;
  readonly beat: () => void;
}
