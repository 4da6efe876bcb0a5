// The engine's event path for a benchmark: MOUNT POLICY [turbo]. It says `ready`, and ends with its standard input or after a time.
import { acceptedRules, checkPolicy, debianOptions, parsePolicy } from '@assay/core/policy';
import { EngineControl } from '@assay/engine/decision';
import { Gate } from '@assay/engine/gate';

const LIFETIME_MS = 300_000;

const [mount = '', policy = '', mode] = process.argv.slice(2);
/** Without a time of rest, as the files of a benchmark are new. */
const turbo = mode === 'turbo' ? { turbo: { files: 100, rest: 0 } } : {};
const version = { major: 6, minor: 12 };
const profile = { name: 'bench', version, ...debianOptions(version) };
const control = new EngineControl();
control.mode = 'enforce';
const decider = {
  epoch: 1,
  rules: acceptedRules(checkPolicy(parsePolicy(`${policy}\n`), profile).rules),
  failSecurely: false,
  kernel: { profile, imaHash: 'sha256', template: 'ima-ng' },
  keys: [],
  updaters: [],
  relabel: 'updaters',
  control: control.memory,
} as const;
const gate = await Gate.start({ mounts: [mount], decider, ...turbo });
const lost: string[] = [];
gate.connect({
  message: (message) => {
    if (message.kind === 'lost') lost.push(message.reason);
    gate.acknowledge(message.sequence);
  },
  ended: (error) => {
    if (error !== undefined) throw error;
  },
});
function ended(): void {
  if (lost.length > 0)
    process.stderr.write(`the engine lost ${lost.length} openings: ${[...new Set(lost)].join(', ')}\n`);
  process.exit();
}

setTimeout(() => process.kill(process.pid, 'SIGKILL'), LIFETIME_MS).unref();
process.stdout.write('ready\n');
process.stdin.once('end', () => void gate.stop().then(ended));
process.stdin.resume();
