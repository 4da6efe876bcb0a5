import { createConnection } from 'node:net';
import { SystemError } from '@assay/core/errors';
import { controlSocket, LINE_LIMIT, type ControlRequest } from './protocol.ts';

const ANSWER_LIMIT_MS = 10_000;
/** The threads with the policy before may answer for some seconds yet. */
const LOADED_LIMIT_MS = 60_000;

/**
 * Asks a running engine.
 * @returns its answer as it came: what of it is what, the caller looks
 * @throws SystemError ENGINE-UNREACHABLE, NOT-PERMITTED
 */
export function askEngine(directory: string, request: ControlRequest): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(controlSocket(directory));
    let text = '';
    const fail = (why: string): void => {
      socket.destroy();
      reject(new SystemError('ENGINE-UNREACHABLE', `${controlSocket(directory)}: ${why}`));
    };
    socket.setTimeout(request.command === 'load' ? LOADED_LIMIT_MS : ANSWER_LIMIT_MS, () => fail('no answer in time'));
    socket.setEncoding('utf8');
    socket.on('connect', () => socket.write(`${JSON.stringify(request)}\n`));
    socket.on('error', (error) => {
      const isBarred = 'code' in error && error.code === 'EACCES';
      if (isBarred) reject(new SystemError('NOT-PERMITTED', `${directory} is another user's`));
      else fail(error.message);
    });
    socket.on('data', (part: string) => {
      text += part;
      if (text.length > LINE_LIMIT) fail('the answer has no end');
    });
    socket.on('end', () => {
      try {
        resolve(JSON.parse(text));
      } catch {
        fail('the answer is none');
      }
    });
  });
}
