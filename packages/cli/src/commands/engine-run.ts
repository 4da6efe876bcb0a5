import { AuditLog, startEngine, type EngineOptions } from '@assay/engine';
import { Operator, serveControl } from '@assay/engine/control';
import { createDecider } from '@assay/engine/decision';
import { inheritedSupervision, Supervisor } from '@assay/engine/supervisor';
import { serviceManager } from '@assay/linux/service';
import { z } from 'zod';
import { PolicyLoading } from '../engine/policy-loading.ts';
import { EngineService } from '../engine/service.ts';
import { chooseSetup, type ChosenSetup } from '../engine/setup.ts';
import { DecidingOptions, DirectoryOptions, Mode, Seconds, Size } from '../engine/options.ts';
import { rescueCard } from '../engine/rescue-card.ts';
import { statusLines } from '../engine/status.ts';
import { EXIT, UsageError } from '../exit.ts';
import { optionsFrom } from '../options.ts';
import { jsonText } from '../output/report.ts';
import { shown } from '../output/terminal.ts';
import { withTpm } from '../tpm-options.ts';
import { Console } from '../up/console.ts';
import { stopSignal } from '../up/signals.ts';

const RunOptions = DecidingOptions.extend(DirectoryOptions.shape).extend({
  output: z.enum(['text', 'jsonl']),
  watch: z.array(z.string().min(1, 'names no mount point')).min(1),
  mode: Mode,
  archive: z.string().min(1, 'names no directory').optional(),
  listSize: Size,
  confirmWithin: Seconds,
  policyRewritable: z.boolean().default(false),
  supervise: z.enum(['open', 'closed']).optional(),
  rootFileSystem: z.boolean().default(false),
  turbo: z.boolean().default(false),
  bpf: z.enum(['log', 'enforce']).optional(),
  bpfCgroup: z.array(z.string().startsWith('/', 'is named by its absolute path')).default([]),
});
type Options = z.infer<typeof RunOptions>;

/** `assay engine run`: until a signal ends it in order. */
export async function runEngine(given: unknown): Promise<number> {
  const options = optionsFrom(RunOptions, given);
  if (options.turbo && options.supervise === 'closed') {
    throw new UsageError('--turbo is not for --supervise closed: between two engines nobody would hold the files');
  }
  if (options.turbo && options.bpf !== undefined)
    throw new UsageError(
      '--turbo is not for --bpf: files without an event would be without a verdict after a change of mode',
    );
  if (options.bpf === undefined && options.bpfCgroup.length > 0)
    throw new UsageError('--bpf-cgroup says for whom --bpf log or --bpf enforce is: give that, too');
  process.umask(0o077); // The list is for its owner alone.
  const chosen = await chooseSetup(options, options.mode);
  if (options.supervise !== undefined && inheritedSupervision() === undefined)
    return supervise(options.supervise, chosen);
  const out = options.output === 'text' ? textOutput() : linesOutput();
  if (options.mode === 'enforce') {
    const pids = inheritedSupervision() === undefined ? [process.pid] : [process.ppid, process.pid];
    const { directory, confirmWithin, watch: mounts, supervise: supervision } = options;
    const isService = serviceManager() !== undefined;
    out.tell('rescue', rescueCard({ directory, pids, confirmWithin, mounts, supervision, isService }));
  }
  return withTpm(options.tpm, (tpm) => run(options, chosen, tpm, out));
}

/** Starts this very command as a child, which finds out that it is one. */
function supervise(failure: 'open' | 'closed', { setup }: ChosenSetup): Promise<number> {
  const command = [process.execPath, ...process.execArgv, ...process.argv.slice(1)] as const;
  const reportsThreads = createDecider(setup).namesThreads;
  const log = (line: string): void => void process.stderr.write(`${shown(line)}\n`);
  const service = EngineService.find(log);
  // Where openings are allowed without an engine, nothing is to wait for the next one.
  const keeper = failure === 'closed' ? service : undefined;
  const group = keeper?.keptGroup(reportsThreads);
  const supervisor = new Supervisor({
    command,
    failure,
    reportsThreads,
    ...(group === undefined ? {} : { group }),
    holds: (held) => keeper?.keepGroup(held, reportsThreads),
    answered: () => service?.ready(),
    log,
  });
  service?.beatByItself();
  return supervisor.run().finally(() => service?.ends(reportsThreads));
}

/** What is said while it runs. */
interface Output {
  tell(title: string, lines: readonly string[]): void;
  log(line: string): void;
}

async function run(
  options: Options,
  { setup, policy, firstEntries }: ChosenSetup,
  tpm: EngineOptions['tpm'],
  out: Output,
): Promise<number> {
  const supervision = inheritedSupervision();
  const service = supervision === undefined ? EngineService.find((line) => out.log(line)) : undefined;
  const heartbeat = service?.heartbeat();
  const signal = stopSignal();
  await using cleanup = new AsyncDisposableStack();
  const { directory, archive, listSize: size } = options;
  const auditLog: { current?: AuditLog } = {};
  const engine = await startEngine({
    directory,
    ...(archive === undefined ? {} : { archive: { directory: archive, size } }),
    tpm,
    mounts: options.watch,
    mode: 'permission',
    decider: setup,
    firstEntries,
    ...(supervision === undefined ? {} : { supervision }),
    ...(heartbeat === undefined ? {} : { heartbeat }),
    allowRootFileSystem: options.rootFileSystem,
    turbo: options.turbo,
    ...(options.bpf === undefined ? {} : { bpf: { mode: options.bpf, cgroups: options.bpfCgroup } }),
    onAudit: (event) => {
      auditLog.current?.write(event);
      if (event.denied) out.log(`refused ${event.text}`);
    },
    log: (line) => out.log(line),
  });
  cleanup.defer(() => engine.stop('asked to'));
  auditLog.current = new AuditLog(directory);
  cleanup.defer(() => auditLog.current?.close());
  const policies = new PolicyLoading(options, engine, setup);
  const operator = new Operator(engine, {
    confirmWithin: options.confirmWithin,
    auditsDropped: () => auditLog.current?.dropped ?? 0,
    load: (path) => policies.load(path),
  });
  cleanup.defer(() => operator.end());
  cleanup.defer(await serveControl(directory, (request) => operator.answer(request)));
  const { events } = createDecider(setup);
  out.tell('policy', [`${policy.name}: ${policy.rules.length} rules, asked at each ${EVENTS[events]}`]);
  const status = operator.status();
  for (const [name, value] of statusLines({
    ...status,
    rules: [...status.rules],
    mounts: [...status.mounts],
    audits: [],
  }))
    out.tell(name, [value]);
  service?.ready();
  cleanup.defer(() => service?.ends(events === 'open'));
  await signal;
  return EXIT.fine;
}

const EVENTS = { exec: 'execution', open: 'opening' } as const;

function textOutput(): Output {
  const out = new Console();
  return { tell: (title, lines) => out.section(title, lines), log: (line) => out.log('engine', line) };
}

/** A JSON object on each line. */
function linesOutput(): Output {
  const print = (value: object): void => void process.stdout.write(`${jsonText(value)}\n`);
  const time = (): string => new Date().toISOString();
  return {
    tell: (title, lines) => print({ schema: 'assay.engine-run.v1', time: time(), kind: title, lines }),
    log: (line) => print({ schema: 'assay.engine-run.v1', time: time(), kind: 'log', lines: [shown(line)] }),
  };
}
