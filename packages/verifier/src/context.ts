import type { ServerEvent } from '@assay/wire';
import type { ReferenceCache } from './hosts/references.ts';
import type { Database } from './store/schema.ts';

/** What every part of the verifier works with. */
export interface Context {
  readonly database: Database;
  readonly references: ReferenceCache;
  /** Tells the listeners of `/v1/events`; called after the change is committed. */
  readonly publish: (events: readonly ServerEvent[]) => void;
  readonly now: () => Date;
  readonly log: (line: string) => void;
  readonly heartbeatSeconds: number;
  readonly staleAfterSeconds: number;
}
