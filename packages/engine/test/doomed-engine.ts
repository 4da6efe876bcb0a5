// An engine that a test kills. Its TPM answers until `go` comes on standard input, and then no more.
import { startEngine } from '@assay/engine';
import { connectSwtpm, Tpm } from '@assay/linux/tpm';
import { FaultyTpm } from './support.ts';

const [socketPath = '', directory = '', mount = '', mode = ''] = process.argv.slice(2);
const tpm = new FaultyTpm(new Tpm(await connectSwtpm(socketPath)));
await startEngine({ directory, tpm, mounts: [mount], mode: mode === 'permission' ? 'permission' : 'notify' });
process.stdout.write('started\n');
process.stdin.once('data', () => {
  tpm.faults.push(...Array.from({ length: 1000 }, () => 'hangs' as const));
  process.stdout.write('deaf\n');
});
