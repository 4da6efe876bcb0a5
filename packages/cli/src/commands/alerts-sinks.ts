import { AlertSinkList, AlertSinkTest, route, ROUTES, type AlertSink } from '@assay/wire';
import { z } from 'zod';
import { operator, reader } from '../connect.ts';
import { EXIT } from '../exit.ts';
import { ConnectOptions, optionsFrom } from '../options.ts';
import { printJson } from '../output/report.ts';
import { sinkFate } from '../output/sink-fate.ts';
import { shown, table } from '../output/terminal.ts';

const SinkOptions = ConnectOptions.extend({ test: z.boolean().default(false) });

/** Longer than the verifier waits for any sink. */
const LIMIT_SECONDS = 60;

interface Tried extends AlertSink {
  readonly failure?: string | null;
}

/** `assay alerts sinks`: with `--test` exits with 0 when every sink took the message, 4 when one did not. */
export async function alertSinks(given: unknown): Promise<number> {
  const options = optionsFrom(SinkOptions, given);
  const client = options.test ? await operator(options) : reader(options);
  const { sinks } = await client.call(ROUTES.alertSinks, AlertSinkList);
  const test = async (sink: AlertSink): Promise<Tried> => {
    const path = route(ROUTES.alertSinkTest, sink.name);
    const { failure } = await client.call(path, AlertSinkTest, { body: {}, limitSeconds: LIMIT_SECONDS });
    return { ...sink, failure };
  };
  const tried: readonly Tried[] = options.test ? await Promise.all(sinks.map(test)) : sinks;
  if (options.output === 'json') printJson({ schema: 'assay.alert-sinks.v1', sinks: tried });
  else process.stdout.write(tried.length === 0 ? NO_SINKS : textOf(tried));
  return tried.every(({ failure }) => failure === undefined || failure === null) ? EXIT.fine : EXIT.unreachable;
}

const NO_SINKS = 'Alerts go nowhere: no file names sinks. `assay verifier serve --alerts FILE` reads one.\n';

function textOf(sinks: readonly Tried[]): string {
  const rows = sinks.map(({ name, type, target, minimum, failure }) => [
    name,
    type,
    shown(target),
    minimum,
    ...(failure === undefined ? [] : [sinkFate(failure)]),
  ]);
  const tried = sinks.some(({ failure }) => failure !== undefined);
  return table([['SINK', 'TYPE', 'TARGET', 'FROM', ...(tried ? ['TEST'] : [])], ...rows]);
}
