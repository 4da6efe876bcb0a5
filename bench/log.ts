// Replay of a measurement list of 1,000,000 entries in two banks, against evmctl and the bare digests: [ENTRIES] [--rounds N]
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { writeList, type PcrValues } from './log/list.ts';
import { measure, type Measured } from './log/measure.ts';
import type { Outcome } from './log/program.ts';
import { DEBIAN_EVMCTL } from '@assay/testkit/peers';

const PROGRAM = join(import.meta.dirname, 'log/program.ts');
const MATCHED = 'Matched per TPM bank calculated digest(s).';
const LAST_PCR = 23;
const ASSAY = join(import.meta.dirname, '../packages/cli/bin/assay.js');
const NAMES = {
  one: 'assay, one core',
  all: `assay, all cores (${availableParallelism()})`,
  command: 'assay log verify',
  node: 'assay by node:crypto',
  evmctl: 'evmctl ima_measurement',
} as const;

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '3' } },
});
const entries = Number(positionals[0] ?? 1_000_000);
const rounds = Number(options.rounds);
if (!Number.isSafeInteger(entries) || entries < 1 || !Number.isSafeInteger(rounds) || rounds < 1) {
  console.error('usage: npm run bench -- log [ENTRIES] [--rounds N]');
  process.exit(2);
}

const directory = await mkdtemp(join(tmpdir(), 'assay-bench-'));
try {
  await main();
} finally {
  await rm(directory, { recursive: true, force: true });
}

async function main(): Promise<void> {
  // As for the command, which keeps it in the home.
  process.env['NODE_COMPILE_CACHE'] = join(directory, 'compiled');
  const list = join(directory, 'binary_runtime_measurements');
  const more = join(directory, 'ten_more');
  const pcrs = writeList(list, entries);
  writeList(more, 10);
  const { size } = await stat(list);
  console.log(
    `${entries} ima-ng entries, ${(size / 1e6).toFixed(1)} MB; SHA-1 and SHA-256 template digests, PCR 10 of both`,
  );
  console.log(
    `best of ${rounds} rounds, whole processes, sources compiled in the first; load before: ${loadavg()[0]?.toFixed(2)}`,
  );
  const runs = await programs(list, more, pcrs);
  const best = new Map<string, Measured>();
  for (let round = 0; round < rounds; round++) {
    for (const [name, run] of runs) best.set(name, better(await run(), best.get(name)));
  }
  await report(best);
}

/** What bench/log/program.ts says. */
function outcome({ output }: Measured): Outcome {
  return JSON.parse(output) as Outcome;
}

function better(one: Measured, other: Measured | undefined): Measured {
  return other === undefined || one.seconds < other.seconds ? one : other;
}

async function programs(list: string, more: string, pcrs: PcrValues): Promise<[string, () => Promise<Measured>][]> {
  const replay = (mode: string) => async (): Promise<Measured> => {
    const measured = await measure(process.execPath, PROGRAM, mode, list, more);
    const found = outcome(measured);
    if (
      found.entries !== entries ||
      found.forged > 0 ||
      found.pcrs['sha1'] !== pcrs.sha1 ||
      found.pcrs['sha256'] !== pcrs.sha256
    ) {
      throw new Error(`${mode}: ${measured.output} is not ${JSON.stringify(pcrs)}`);
    }
    return measured;
  };
  const command = async (): Promise<Measured> => {
    const given = Object.entries(pcrs).flatMap(([bank, value]) => ['--pcr', `${bank}:10=${value}`]);
    return measure(process.execPath, ASSAY, 'log', 'verify', list, ...given);
  };
  const files = await Promise.all(Object.entries(pcrs).map(([bank, value]) => pcrFile(bank, value)));
  const evmctl = async (): Promise<Measured> => {
    const measured = await measure(
      DEBIAN_EVMCTL,
      'ima_measurement',
      ...files.flatMap((file) => ['--pcrs', file]),
      list,
    );
    if (!measured.output.includes(MATCHED)) throw new Error(`evmctl: ${measured.output.slice(0, 1000)}`);
    return measured;
  };
  return [
    [NAMES.one, replay('one')],
    [NAMES.all, replay('all')],
    [NAMES.command, command],
    [NAMES.node, replay('node')],
    [NAMES.evmctl, evmctl],
  ];
}

/** evmctl accepts a bank only when the file has all its PCRs. */
async function pcrFile(bank: string, value: string): Promise<string> {
  const path = join(directory, `pcrs-${bank}`);
  const lines = Array.from({ length: LAST_PCR + 1 }, (_, pcr) => {
    const digits = pcr === 10 ? value : '0'.repeat(value.length);
    return `PCR-${String(pcr).padStart(2, '0')}: ${digits.toUpperCase().match(/../g)?.join(' ')}\n`;
  });
  await writeFile(path, lines.join(''));
  return `${bank},${path}`;
}

async function report(best: ReadonlyMap<string, Measured>): Promise<void> {
  const evmctl = best.get(NAMES.evmctl)?.seconds ?? Number.NaN;
  const bare = await bareSeconds();
  const row = (name: string, cells: readonly string[]): void => {
    console.log(name.padEnd(32) + cells.map((cell) => cell.padStart(13)).join(''));
  };
  const figures = (seconds: number): string[] => {
    const ratios = [evmctl / seconds, bare / seconds].map((ratio) => ratio.toFixed(2));
    return [seconds.toFixed(3), Math.round(entries / seconds).toString(), ...ratios];
  };
  row('', ['seconds', 'entries/s', 'x evmctl', 'x openssl', 'peak MB', 'replay alone']);
  for (const [name, measured] of best) {
    const alone =
      name === NAMES.evmctl || name === NAMES.command ? '' : `${(outcome(measured).milliseconds / 1000).toFixed(3)} s`;
    row(name, [...figures(measured.seconds), measured.megabytes.toFixed(0), alone]);
  }
  row('openssl speed, 64-byte digests', figures(bare));
  const one = best.get(NAMES.one);
  const milliseconds = one === undefined ? undefined : outcome(one).moreMilliseconds;
  console.log(`10 new entries after ${entries}: ${milliseconds?.toFixed(3)} ms, taking over the state included`);
}

/** What four digests of 64 bytes for each entry cost: two for the template digests, two for the PCRs. */
async function bareSeconds(): Promise<number> {
  const { output } = await measure('openssl', 'speed', '-seconds', '1', '-bytes', '64', 'sha1', 'sha256');
  const cost = (name: string): number => {
    const thousands = new RegExp(String.raw`^${name}\s+([\d.]+)k`, 'm').exec(output)?.[1];
    if (thousands === undefined) throw new Error(`openssl speed says nothing of ${name}: ${output}`);
    return 64 / (Number(thousands) * 1000);
  };
  return entries * 2 * (cost('sha1') + cost('sha256'));
}
