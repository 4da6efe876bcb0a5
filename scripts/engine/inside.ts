// Runs the engine beside a program of a suite: DIRECTORY PROGRAM MODE HASH TEMPLATE; the directory has the program, its files,
// and in `kernel` which one the engine stands for. For ./ask.ts.
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { equalBytes } from '@assay/core/bytes';
import { emptyPcr, parseBinaryList, replay } from '@assay/core/measurement';
import { nodeHasher } from '@assay/core/node';
import { acceptedRules, checkPolicy, parsePolicy, type CheckedRule } from '@assay/core/policy';
import { startEngine, type Engine } from '@assay/engine';
import { EngineControl, type AuditEvent, type DeciderSetup } from '@assay/engine/decision';
import { readMounts } from '@assay/linux/mounts';
import { connectSwtpm, Tpm } from '@assay/linux/tpm';
import { certifiedKey, keptAnswers, labelsEvm, profileOf, theOnly, type AskedKernel } from '@assay/testkit/suites';
import { startSwtpm } from '@assay/testkit/swtpm';
import { parseBoot, type EngineBoot } from './question.ts';

/** Nobody waits so long on a machine however busy, and no opening goes without its verdict. */
const ANSWER_LIMIT_MS = 5 * 60 * 1000;

/** include/uapi/linux/audit.h */
const AUDIT_TYPES: Readonly<Record<string, number>> = {
  INTEGRITY_DATA: 1800,
  INTEGRITY_PCR: 1804,
  INTEGRITY_RULE: 1805,
};

const [directory = '', program = '', ...words] = process.argv.slice(2);
const IMA = join(directory, 'ima');

function setupOf(kernel: AskedKernel, { mode, hash, template }: EngineBoot): DeciderSetup {
  const profile = profileOf(kernel);
  const control = new EngineControl();
  control.mode = mode;
  const rules = checkPolicy(parsePolicy(readFileSync(join(directory, 'policy'), 'utf8')), profile).rules.map(taken);
  const names = readdirSync(directory).filter((name) => name.endsWith('.der'));
  const keys = names.map((name) => certifiedKey(readFileSync(join(directory, name))));
  const evm = evmWith(kernel, keys);
  return {
    epoch: 1,
    rules: acceptedRules(rules),
    failSecurely: false,
    kernel: { profile, imaHash: hash, template },
    keys,
    ...(evm === undefined ? {} : { evm }),
    updaters: [],
    relabel: 'writers',
    control: control.memory,
  };
}

/** A rule that is left out would be an answer to another question. */
function taken(rule: CheckedRule): CheckedRule {
  if (rule.accepted) return rule;
  throw new Error(`line ${rule.line} of the policy is refused: ${rule.text}: ${rule.refusal.message}`);
}

/** As the program would start the kernel's, had it one. */
function evmWith(kernel: AskedKernel, keys: Parameters<typeof labelsEvm>[2]): ReturnType<typeof labelsEvm> {
  const names = ['evm', 'evm-key', 'kmk'].filter((name) => existsSync(join(directory, name)));
  if (!names.includes('evm')) return undefined;
  return labelsEvm(new Map(names.map((name) => [name, readFileSync(join(directory, name))])), kernel, keys);
}

function auditLine({ type, text }: AuditEvent): string {
  return `audit: type=${AUDIT_TYPES[type] ?? type} audit(0.000:0): ${text}\n`;
}

/** Every list leads to the PCRs of its bank, all of which were empty. */
async function checkPcrs(tpm: Tpm): Promise<void> {
  for (const bank of await tpm.activeBanks()) {
    const list = readFileSync(join(IMA, `binary_runtime_measurements_${bank}`));
    const { entries } = parseBinaryList(list, { bank });
    for (const pcr of new Set(entries.map((entry) => entry.pcr))) {
      const { value } = replay(nodeHasher, { bank, pcr, value: emptyPcr(bank) }, entries);
      const found = (await tpm.readPcrs(bank, [pcr])).get(pcr);
      if (found === undefined || !equalBytes(found, value)) {
        throw new Error(`the ${bank} list does not lead to PCR ${pcr}`);
      }
    }
  }
}

async function answer(start: () => Promise<Engine>, end: (engine: Engine) => Promise<void>) {
  const env = { ...process.env, IMA_BY_ENGINE: '1' };
  const child = spawn('python3', [program], { cwd: directory, env, stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  let engine: Engine | undefined;
  for await (const word of createInterface(child.stdout)) {
    if (word === 'load') engine = await start();
    else if (word === 'end' && engine !== undefined) await end(engine);
    else throw new Error(`${program} says ${word}`);
    child.stdin.write(`${word}\n`);
  }
  const status = await ended;
  if (status !== 0) throw new Error(`${program} ended with ${status}`);
}

const { kernel } = theOnly(await keptAnswers(join(directory, 'kernel')));
const decider = setupOf(kernel, parseBoot(words));
const swtpm = await startSwtpm();
try {
  const tpm = new Tpm(await connectSwtpm(swtpm.socketPath));
  await tpm.startup();
  const audits: AuditEvent[] = [];
  const start = (): Promise<Engine> =>
    startEngine({
      directory: IMA,
      tpm,
      mounts: readMounts()
        .map(({ mountPoint }) => mountPoint.toString())
        .filter((path) => path === '/m' || path.startsWith('/m/')),
      mode: 'permission',
      decider,
      answerLimit: ANSWER_LIMIT_MS,
      onAudit: (event) => audits.push(event),
    });
  const end = async (engine: Engine): Promise<void> => {
    await engine.stop('done');
    const { lost, problem } = engine.status();
    if (lost > 0 || problem !== undefined)
      throw new Error(`the engine lost ${lost} openings: ${problem ?? 'too slow'}`);
    writeFileSync(join(IMA, 'audit'), audits.map(auditLine).join(''));
    await checkPcrs(tpm);
  };
  await answer(start, end);
  await tpm.close();
} finally {
  await swtpm.stop();
}
