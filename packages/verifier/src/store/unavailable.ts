/** The store does not answer, or cannot do its work: nothing is wrong with what was asked, and it can be asked again. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable';

  constructor(cause: unknown) {
    super(cause instanceof Error ? cause.message || cause.name : String(cause), { cause });
  }
}

/**
 * Of PostgreSQL (appendix A of its manual): connections, resources, what an operator does, errors of the system, and a lock
 * that another verifier holds for too long.
 */
const STATES = /^(?:08|53|57|58|55P03)/;
/** What `pg` says of a connection that ended has no code. */
const CONNECTION =
  /^(?:Connection terminated|Client (?:has encountered a connection error|was closed)|timeout exceeded when trying)/;
/** Of the system, below a connection. */
const SYSTEM = new Set(['ECONNRESET', 'ECONNREFUSED', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH']);
/** Of SQLite (its result codes): busy, read-only, input or output, full, cannot open. */
const SQLITE = new Set([5, 8, 10, 13, 14]);

/** An error of a query, as what it means. */
export function asStoreError(error: unknown): unknown {
  return isOfStore(error) ? new StoreUnavailable(error) : error;
}

export function isUnavailable(error: unknown): boolean {
  return error instanceof StoreUnavailable || (error instanceof Error && isSqlite(error));
}

function isOfStore(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return STATES.test(code) || SYSTEM.has(code) || CONNECTION.test(error.message);
}

/** Extended result codes have the primary one in their lowest byte. */
function isSqlite(error: Error): boolean {
  return 'errcode' in error && typeof error.errcode === 'number' && SQLITE.has(error.errcode & 0xff);
}
