import { randomUUID } from 'node:crypto';
import { readSinks, send, testMessage } from '@assay/verifier/alerts';
import { z } from 'zod';
import { boundedContent } from '../bounded-file.ts';
import { EXIT } from '../exit.ts';
import { OutputOptions, optionsFrom } from '../options.ts';
import { printJson } from '../output/report.ts';
import { sinkFate } from '../output/sink-fate.ts';
import { table } from '../output/terminal.ts';

const LIMIT = 256 * 1024;

/** `assay alerts test FILE`: exits with 0 when every sink took the message, 4 when one did not. */
export async function testSinks(file: unknown, given: unknown): Promise<number> {
  const { output } = optionsFrom(OutputOptions, given);
  const sinks = readSinks(await boundedContent(z.string().parse(file), LIMIT));
  const now = new Date();
  const message = testMessage(randomUUID(), now.toISOString());
  const results = await Promise.all(
    sinks.map(async (sink) => ({
      sink: sink.name,
      type: sink.type,
      failure: (await send(sink, message, now)) ?? null,
    })),
  );
  if (output === 'json') printJson({ schema: 'assay.alerts-test.v1', message: message.id, sinks: results });
  else process.stdout.write(results.length === 0 ? 'The file names no sinks.\n' : tableOf(results));
  return results.every(({ failure }) => failure === null) ? EXIT.fine : EXIT.unreachable;
}

function tableOf(results: readonly { sink: string; type: string; failure: string | null }[]): string {
  return table(results.map(({ sink, type, failure }) => [sink, type, sinkFate(failure)]));
}
