// The engine's event path for a benchmark: MOUNT POLICY. It says `ready`, and ends with its standard input or after a time.
import { acceptedRules, checkPolicy, debianOptions, parsePolicy } from '@assay/core/policy';
import { EngineControl } from '@assay/engine/decision';
import { Gate } from '@assay/engine/gate';

const LIFETIME_MS = 300_000;

const [mount = '', policy = ''] = process.argv.slice(2);
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
const gate = await Gate.start({ mounts: [mount], decider });
let lost = 0;
gate.connect({
  message: (message) => {
    if (message.kind === 'lost') lost++;
    gate.acknowledge(message.sequence);
  },
  ended: (error) => {
    if (error !== undefined) throw error;
  },
});
setTimeout(() => process.kill(process.pid, 'SIGKILL'), LIFETIME_MS).unref();
process.stdout.write('ready\n');
process.stdin.once('end', () => void gate.stop().then(() => process.exit(lost > 0 ? 1 : 0)));
process.stdin.resume();
