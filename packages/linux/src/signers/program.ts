import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { SystemError } from '@assay/core/errors';

const LONGEST_OUTPUT = 65_536;
const LONGEST_COMPLAINT = 500;
const PATIENCE_MILLISECONDS = 120_000;

export interface Input {
  /** For the standard input. */
  readonly input: Uint8Array;
  /** For descriptor 3, such as a passphrase: others can read the words of a command line. */
  readonly secret?: string;
}

/**
 * Runs a program to its end, without a shell, and gives what it writes.
 *
 * @throws SystemError SIGNER-FAILED when it cannot be started, does not end with 0, writes nothing or too much, or takes
 *   longer than two minutes
 */
export async function outputOf(program: string, words: readonly string[], { input, secret }: Input): Promise<Buffer> {
  const child = spawn(program, words, { stdio: ['pipe', 'pipe', 'pipe', 'pipe'] });
  const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MILLISECONDS);
  const failed = once(child, 'error').then(([error]: Error[]) => {
    throw new SystemError('SIGNER-FAILED', `${program} cannot be started: ${error?.message}`, { cause: error });
  });
  const ended = once(child, 'close').then(([code, signal]) => String(code ?? signal));
  const [stdin, stdout, stderr, extra] = child.stdio;
  const output = collected(stdout, LONGEST_OUTPUT + 1);
  const complaint = collected(stderr, LONGEST_COMPLAINT);
  for (const [stream, bytes] of [[stdin, input] as const, [extra, Buffer.from(`${secret ?? ''}\n`)] as const]) {
    if (stream === null || stream === undefined || !('end' in stream)) continue;
    stream.on('error', () => undefined); // It need not read what it is given.
    stream.end(bytes);
  }
  const code = await Promise.race([ended, failed]).finally(() => clearTimeout(timer));
  if (code !== '0') {
    throw new SystemError('SIGNER-FAILED', `${program} ended with ${code}: ${complaint().toString('utf8').trim()}`);
  }
  const length = output().length;
  if (length === 0 || length > LONGEST_OUTPUT) {
    throw new SystemError('SIGNER-FAILED', `${program} wrote ${length === 0 ? 'no' : 'too long a'} signature`);
  }
  return output();
}

/** Reads to the end and keeps the beginning. */
function collected(stream: NodeJS.ReadableStream, limit: number): () => Buffer {
  const chunks: Buffer[] = [];
  let length = 0;
  stream.on('data', (chunk: Buffer) => {
    const part = chunk.subarray(0, limit - length);
    length += part.length;
    chunks.push(part);
  });
  return () => Buffer.concat(chunks);
}
