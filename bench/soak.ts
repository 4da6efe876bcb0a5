// A package manager at work in a chroot under `assay engine run --mode enforce`; as root: [--minutes N] [--residents N] [--supervise open|closed] [--json]
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { connectSwtpm, Tpm } from '@assay/linux/tpm';
import { startSwtpm } from '@assay/testkit/swtpm';
import { SoakEngine } from './soak/engine.ts';
import { judge, megabytes, type SoakResult } from './soak/judge.ts';
import type { Sample } from './soak/memory.ts';
import { mountDirectory } from './scratch/directory.ts';
import { FOREIGN, inside, isForeignRefused, labelAll, makeWorld, Residents, transactions } from './soak/world.ts';

/** What is executed and what may be loaded is measured and appraised, and what root has is appraised when it is read. */
const POLICY = `measure func=BPRM_CHECK mask=MAY_EXEC
measure func=MMAP_CHECK mask=MAY_EXEC
appraise func=BPRM_CHECK
appraise func=MMAP_CHECK
appraise func=FILE_CHECK mask=MAY_READ fowner=0
`;
const UPDATERS = ['usr/bin/dpkg', 'usr/bin/apt-get'];
const MINUTE_MS = 60_000;
const SAMPLE_MS = 5000;
/** For what comes before and after; the engine is killed when it is over. */
const SPARE_MINUTES = 15;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    supervise: { type: 'string', default: 'closed' },
    residents: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
  },
});
const minutes = Number(values.minutes);
if (process.geteuid?.() !== 0) {
  console.error('this benchmark mounts file systems, so it needs root');
  process.exit(3);
}

const say = (line: string): void => {
  if (!values.json) console.log(line);
};
const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => interrupted.abort());
using scratch = mountDirectory('soak');
const directory = scratch.path;
const stack = new AsyncDisposableStack();
try {
  process.exitCode = (await main()) ? 0 : 1;
} finally {
  await stack.disposeAsync();
}

async function main(): Promise<boolean> {
  const root = await makeWorld(directory, say);
  labelAll(root);
  const engine = await startedEngine(root);
  const figures = await soak(root, engine);
  const inOrder = await engine.stop();
  const records = engine.refusals();
  const denied = records.filter((record) => !isForeign(record));
  const foreign = { ...figures.foreign, recorded: records.length - denied.length };
  const result = { ...figures, ...(await engine.replayed()), inOrder, denied, foreign };
  const judgements = judge(result);
  if (values.json) console.log(JSON.stringify({ ...result, judgements }));
  for (const { what, holds, shown = [] } of judgements) {
    say([`${holds ? 'holds' : 'FAILS'}  ${what}`, ...shown.slice(0, 10)].join('\n       '));
  }
  say(`       ${result.lost} openings without a verdict in time`);
  return judgements.every(({ holds }) => holds);
}

function isForeign(record: string): boolean {
  return record.includes(`/${FOREIGN}"`);
}

async function startedEngine(root: string): Promise<SoakEngine> {
  const { socketPath } = stack.use(await disposableSwtpm());
  const policy = join(directory, 'policy');
  writeFileSync(policy, POLICY);
  const state = join(directory, 'engine');
  mkdirSync(state, { mode: 0o700 });
  const engine = await SoakEngine.start({
    mount: root,
    policy,
    directory: state,
    tpm: socketPath,
    supervise: values.supervise,
    updaters: UPDATERS.map((path) => join(root, path)),
    lifetime: (minutes + SPARE_MINUTES) * MINUTE_MS,
  });
  stack.defer(async () => {
    await engine.stop();
  });
  return engine;
}

/** Started up; the engine is to have the only connection. */
async function disposableSwtpm(): Promise<AsyncDisposable & { readonly socketPath: string }> {
  const swtpm = await startSwtpm();
  const tpm = new Tpm(await connectSwtpm(swtpm.socketPath));
  await tpm.startup();
  await tpm.close();
  return { socketPath: swtpm.socketPath, [Symbol.asyncDispose]: () => swtpm.stop() };
}

type Figures = Omit<SoakResult, 'denied' | 'inOrder' | 'agrees' | 'entries'>;

/** Rounds until the time is over, at least one. */
async function soak(root: string, engine: SoakEngine): Promise<Figures> {
  const started = performance.now();
  const elapsed = (): number => performance.now() - started;
  const residents = new Residents(root, Number(values.residents));
  const samples: Sample[] = [];
  const failed: string[] = [];
  const counts = { rounds: 0, transactions: 0, foreign: 0, told: -MINUTE_MS };
  const isOver = (): boolean => failed.length > 0 || interrupted.signal.aborted || elapsed() > minutes * MINUTE_MS;
  do {
    for (const words of transactions(root)) {
      const { code, text, hung } = await inside(root, words);
      counts.transactions += 1;
      if (hung || code !== 0) failed.push(`${words.join(' ')}: ${hung ? 'it hangs' : text.trim()}`);
      const at = elapsed();
      if (at - (samples.at(-1)?.at ?? -SAMPLE_MS) >= SAMPLE_MS) samples.push({ at, ...(await engine.memory()) });
    }
    if (await isForeignRefused(root)) counts.foreign += 1;
    counts.rounds += 1;
    if (elapsed() - counts.told >= MINUTE_MS) {
      counts.told = elapsed();
      tell(counts, elapsed(), residents.runs, samples.at(-1));
    }
  } while (!isOver());
  await residents.end();
  const { lost } = await engine.status();
  const foreign = { tried: counts.rounds, refused: counts.foreign, recorded: 0 };
  const { rounds, transactions: done } = counts;
  const { runs, refused } = residents;
  return { minutes: elapsed() / MINUTE_MS, rounds, transactions: done, failed, runs, refused, foreign, lost, samples };
}

function tell({ rounds }: { readonly rounds: number }, elapsed: number, runs: number, sample?: Sample): void {
  const memory = `engine ${megabytes(sample?.engine ?? NaN)} MB, supervisor ${megabytes(sample?.supervisor ?? NaN)} MB`;
  say(`${(elapsed / MINUTE_MS).toFixed(1).padStart(5)} min  ${rounds} rounds, ${runs} programs; ${memory}`);
}
