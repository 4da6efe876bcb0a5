import { swtpmAvailable } from '@assay/testkit/swtpm';
import { agentBehaviour } from './agent-behaviour.ts';
import { Machine } from './bench.ts';

agentBehaviour('simulated TPM', (t) => Machine.simulated(t), false);

const swtpm = swtpmAvailable();
agentBehaviour('software TPM', (t) => Machine.swtpm(t), 'missing' in swtpm && swtpm.missing);
