import { FormatError, SystemError } from '../errors/index.ts';
import { hashAlgorithm, type HashName } from '../hash/index.ts';
import { TpmResponseError } from './responses.ts';
import { command, DIGESTS_PER_READ, pcrRead, type TpmCommand } from './commands/index.ts';

/** Sends a command and decodes its response. */
export type RunCommand = <T>(command: TpmCommand<T>) => Promise<T>;

const ATTEMPTS = 20;
/** TPM_RC_HASH about the first parameter. */
const UNKNOWN_HASH = 0x1c3;

/**
 * Values of PCRs of one bank as they were at one moment: a TPM returns at most eight at a time, so where any PCR was
 * extended between two answers, all are read again.
 * @throws SystemError TPM-BANK where the bank is not active, TPM-RESPONSE, TPM-UNREACHABLE
 */
export async function readPcrValues(
  run: RunCommand,
  bank: HashName,
  pcrs: readonly number[],
): Promise<Map<number, Uint8Array>> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const values = await readOnce(run, bank, pcrs);
    if (values !== null) return new Map([...values].toSorted(([a], [b]) => a - b));
  }
  throw new SystemError('TPM-RESPONSE', `the PCRs changed during each of ${ATTEMPTS} attempts to read them`);
}

/** Null where a PCR was extended meanwhile. */
async function readOnce(
  run: RunCommand,
  bank: HashName,
  pcrs: readonly number[],
): Promise<Map<number, Uint8Array> | null> {
  const values = new Map<number, Uint8Array>();
  const counters = new Set<number>();
  let missing = [...new Set(pcrs)];
  while (missing.length > 0) {
    // All at once: commands that wait in one queue follow each other, and nothing of this process comes between.
    const answers = await Promise.all(
      chunks(missing).map((chunk) => run(command(pcrRead, { selection: [{ bank, pcrs: chunk }] }))),
    ).catch((error: unknown) => {
      if (error instanceof TpmResponseError && error.responseCode === UNKNOWN_HASH) {
        throw new SystemError('TPM-BANK', `the TPM does not know ${bank}`);
      }
      throw error;
    });
    for (const answer of answers) {
      counters.add(answer.updateCounter);
      for (const [pcr, value] of pairs(answer, bank)) values.set(pcr, value);
    }
    if (counters.size > 1) return null;
    const still = missing.filter((pcr) => !values.has(pcr));
    if (still.length === missing.length)
      throw new SystemError('TPM-BANK', `the TPM has no ${bank} PCR ${still.join(', ')}`);
    missing = still;
  }
  return values;
}

function chunks(pcrs: readonly number[]): number[][] {
  const count = Math.ceil(pcrs.length / DIGESTS_PER_READ);
  return Array.from({ length: count }, (_, i) => pcrs.slice(i * DIGESTS_PER_READ, (i + 1) * DIGESTS_PER_READ));
}

function pairs(
  answer: { selection: readonly { bank: HashName; pcrs: readonly number[] }[]; values: readonly Uint8Array[] },
  bank: HashName,
): [number, Uint8Array][] {
  const pcrs = answer.selection.flatMap((entry) => (entry.bank === bank ? entry.pcrs : []));
  const size = hashAlgorithm(bank).size;
  if (pcrs.length !== answer.values.length || answer.values.some((value) => value.length !== size)) {
    throw new FormatError('TPM-STRUCTURE', 'the values that PCR_Read returned do not fit the selection it returned');
  }
  return pcrs.map((pcr, i) => [pcr, (answer.values[i] ?? new Uint8Array(0)).slice()]);
}
