// An agent in a process of its own, for tests that bound its memory and kill it: its machine stands in the environment.
import { startAgent } from '@assay/agent';
import { fromHex } from '@assay/core/bytes';
import { extendValue, parseBinaryList } from '@assay/core/measurement';
import { nodeHasher } from '@assay/core/node';
import { kernelIma, type MeasurementSource } from '@assay/linux/ima';
import { Tpm } from '@assay/linux/tpm';
import { SimulatedTpm } from '@assay/testkit/tpm';

const { LIST = '', SEED = '', STATE = '', VERIFIER = '', JOIN = '', TAIL = '0' } = process.env;
const ima = kernelIma([LIST]);
if (ima.state !== 'present') throw new Error(`there is no list in ${LIST}: ${ima.reason}`);

const chip = new SimulatedTpm({ seed: fromHex(SEED), resetCount: 1 });
const tpm = new Tpm(chip);
await tpm.startup();
await extendAll(ima.source);
process.send?.({ started: true });

startAgent({
  name: 'long',
  verifierUrl: VERIFIER,
  joinToken: JOIN,
  tpm,
  source: { ...ima.source, read },
  facts: { tpmKind: 'simulated', listSource: 'kernel', kernel: '6.12.0', agentVersion: '0.1.0' },
  statePath: STATE,
  tailBytes: Number(TAIL),
  onPhase: (phase) => {
    if (phase.phase !== 'attested') return;
    const { verified, challenge } = phase.reply;
    process.send?.({ attested: verified ? challenge.list.fromEntry - 1 : 0 });
  },
});

/** Tells from where on the list is read. */
function read(fromOffset: number, most?: number): Promise<Uint8Array> {
  process.send?.({ read: fromOffset });
  return readOf(fromOffset, most);
}

function readOf(fromOffset: number, most?: number): Promise<Uint8Array> {
  if (ima.state !== 'present') throw new Error('there is no list');
  return ima.source.read(fromOffset, most);
}

/** What the kernel did when it measured. */
async function extendAll(source: MeasurementSource): Promise<void> {
  const banks = await tpm.activeBanks();
  for (let offset = 0; ; ) {
    const bytes = await source.read(offset, 1024 * 1024);
    const { entries, consumed } = parseBinaryList(bytes, { bank: source.bank, incompleteTail: 'leave' });
    if (consumed === 0) return;
    for (const entry of entries) {
      await tpm.extendPcr(10, new Map(banks.map((bank) => [bank, extendValue(nodeHasher, bank, entry)])));
    }
    offset += consumed;
  }
}
