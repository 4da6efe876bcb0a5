import type { FastifyReply } from 'fastify';
import { RequestProblem } from '../problem.ts';

/** Given when who waits for the answer has closed the connection: long work for nobody ends. */
export function untilGone({ raw }: FastifyReply): AbortSignal {
  const gone = new AbortController();
  raw.once('close', () => {
    // Nobody reads this; it keeps what is no fault out of the log.
    if (!raw.writableFinished) gone.abort(new RequestProblem('REQUEST-MALFORMED', 'The connection was closed.'));
  });
  return gone.signal;
}
