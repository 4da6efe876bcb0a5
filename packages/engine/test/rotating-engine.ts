// Lists programs and reports each that is in the list and in the PCR, until a test kills it.
import { connectSwtpm, Tpm } from '@assay/linux/tpm';
import { MeasurementList } from '../src/list.ts';
import { Recorder } from '../src/recorder.ts';
import { draft } from './rotation-support.ts';

const [socketPath = '', directory = '', archive = '', run = ''] = process.argv.slice(2);
const tpm = new Tpm(await connectSwtpm(socketPath));
await tpm.startup();
const { list } = await MeasurementList.open(directory, tpm, [], { directory: archive, size: 6000 });
const fail = (problem: unknown): never => {
  process.stderr.write(`${String(problem)}\n`);
  process.exit(1);
};
const recorder = new Recorder(list, fail, fail);
for (let number = 1; ; number++) {
  const name = `/run-${run}/program-${number}`;
  recorder.add({ draft: draft(name), settled: () => void process.stdout.write(`${name}\n`) });
  if (number % 3 === 0) await recorder.idle();
}
