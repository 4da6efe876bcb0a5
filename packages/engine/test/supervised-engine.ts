// An engine under a supervisor, or with `supervise` the supervisor: MODE SOCKET DIRECTORY MOUNT FAILURE
import { startEngine } from '@assay/engine';
import { inheritedSupervision, Supervisor } from '../src/supervisor/index.ts';
import { connectSwtpm, Tpm } from '@assay/linux/tpm';
import { deciderSetup } from './decision-support.ts';

const [mode = '', socketPath = '', directory = '', mount = '', failure = ''] = process.argv.slice(2);
const log = (line: string): void => void process.stdout.write(`${line}\n`);

async function supervise(): Promise<number> {
  const given = ['engine', socketPath, directory, mount, failure];
  const supervisor = new Supervisor({
    command: [process.execPath, import.meta.filename, ...given],
    failure: failure === 'closed' ? 'closed' : 'open',
    reportsThreads: false,
    log,
  });
  return supervisor.run();
}

async function serve(): Promise<void> {
  const supervision = inheritedSupervision();
  if (supervision === undefined) throw new Error('there is no supervisor');
  const tpm = new Tpm(await connectSwtpm(socketPath));
  const policy = 'measure func=BPRM_CHECK\nappraise func=BPRM_CHECK\n';
  const decider = { ...deciderSetup({ policy, mode: 'enforce' }), relabel: 'updaters' } as const;
  const engine = await startEngine({ directory, tpm, mounts: [mount], mode: 'permission', decider, supervision, log });
  process.once('SIGTERM', () => {
    void engine.stop('asked').then(() => process.exit(0));
  });
  log(`engine ${process.pid}`);
}

if (mode === 'supervise') process.exitCode = await supervise();
else await serve();
