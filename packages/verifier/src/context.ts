import type { ServerEvent } from '@assay/wire';
import type { Database } from './store/schema.ts';

/** What every part of the verifier works with. */
export interface Context {
  readonly database: Database;
  /** Tells the listeners of `/v1/events`; called after the change is committed. */
  readonly publish: (events: readonly ServerEvent[]) => void;
  readonly now: () => Date;
  readonly log: (line: string) => void;
  readonly heartbeatSeconds: number;
  readonly staleAfterSeconds: number;
}
