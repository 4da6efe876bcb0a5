import { fromBase64, fromHex, toBase64, toHex, utf8 } from '@assay/core/bytes';
import { bindingDigest } from '@assay/core/evidence';
import type { HashName } from '@assay/core/hash';
import { bootAggregate } from '@assay/core/measurement';
import { nodeHasher } from '@assay/core/node';
import { Tpm } from '@assay/linux/tpm';
import type { Challenge, EnrolReply, EnrolRequest, EvidenceMessage, HostFacts } from '@assay/wire';
import { SimulatedTpm } from '../tpm/index.ts';
import { SimulatedList, type Appended } from './list.ts';

const IMA_PCR = 10;
const BOOT_PCRS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

const FACTS: HostFacts = {
  tpmKind: 'simulated',
  listSource: 'simulated',
  kernel: '6.12.0-simulated',
  agentVersion: '0.1.0',
};

/** The keys of a host, loaded in its TPM. */
interface HostKeys {
  readonly ek: { readonly handle: number; readonly public: Uint8Array };
  readonly ak: { readonly private: Uint8Array; readonly public: Uint8Array };
  readonly akHandle: number;
  readonly akName: Uint8Array;
}

interface HostParts {
  readonly name: string;
  readonly chip: SimulatedTpm;
  readonly tpm: Tpm;
  readonly list: SimulatedList;
  readonly banks: readonly HashName[];
  readonly keys: HostKeys;
}

export interface BootOptions {
  readonly name: string;
  /** Bank of the list; default sha256. */
  readonly bank?: HashName;
}

/**
 * A host with a simulated TPM and a list of its own: what it executes is measured, extended into PCR 10 and can be
 * attested.
 */
export class SimulatedHost {
  readonly #parts: HostParts;
  readonly facts = FACTS;

  private constructor(parts: HostParts) {
    this.#parts = parts;
  }

  /** Switches a machine on that nobody has seen before. */
  static boot(options: BootOptions): Promise<SimulatedHost> {
    return SimulatedHost.#switchOn(new SimulatedTpm(), options);
  }

  /** The same machine after its power was off and on: a new list, the same keys. */
  reboot(): Promise<SimulatedHost> {
    const { name, chip, list, keys } = this.#parts;
    const { seed, resetCount } = chip.state();
    return SimulatedHost.#switchOn(
      new SimulatedTpm({ seed: fromHex(seed), resetCount }),
      { name, bank: list.bank },
      keys.ak,
    );
  }

  static async #switchOn(chip: SimulatedTpm, options: BootOptions, ak?: HostKeys['ak']): Promise<SimulatedHost> {
    const tpm = new Tpm(chip);
    await tpm.startup();
    const banks = await tpm.activeBanks();
    const list = new SimulatedList(options.bank);
    const host = new SimulatedHost({ name: options.name, chip, tpm, list, banks, keys: await loadKeys(tpm, ak) });
    const pcrs = await tpm.readPcrs('sha256', BOOT_PCRS);
    await host.extend(list.begin(bootAggregate(nodeHasher, 'sha256', pcrs)));
    return host;
  }

  get name(): string {
    return this.#parts.name;
  }

  get tpm(): Tpm {
    return this.#parts.tpm;
  }

  get list(): SimulatedList {
    return this.#parts.list;
  }

  /** Measures a program as it runs. */
  async execute(path: string, content: Uint8Array | string): Promise<void> {
    const bytes = typeof content === 'string' ? utf8(content) : content;
    await this.extend(this.list.measure(path, nodeHasher.digest('sha256', bytes)));
  }

  async extend(entry: Appended): Promise<void> {
    await this.tpm.extendPcr(IMA_PCR, new Map(this.#parts.banks.map((bank) => [bank, entry.extendValue(bank)])));
    this.list.announce();
  }

  enrolRequest(): EnrolRequest {
    return {
      name: this.name,
      ekPublic: toBase64(this.#parts.keys.ek.public),
      akPublic: toBase64(this.#parts.keys.ak.public),
      facts: this.facts,
    };
  }

  /** @returns the credential's secret, hexadecimal */
  async openCredential(reply: Pick<EnrolReply, 'credentialBlob' | 'encryptedSecret'>): Promise<string> {
    const { ek, akHandle } = this.#parts.keys;
    const blob = fromBase64(reply.credentialBlob);
    return toHex(await this.tpm.activateCredential(akHandle, ek.handle, blob, fromBase64(reply.encryptedSecret)));
  }

  /** Answers a challenge: a quote, and the entries from the place that the challenge names. */
  async evidence(challenge: Challenge): Promise<EvidenceMessage> {
    const { session, selection, list } = challenge;
    const { akHandle, akName } = this.#parts.keys;
    const binding = { nonce: fromHex(challenge.nonce), session, akName, facts: this.facts };
    const quote = await this.tpm.quote(akHandle, bindingDigest(nodeHasher, binding), [selection]);
    const pcrs = await this.tpm.readPcrs(selection.bank, selection.pcrs);
    return {
      session,
      facts: this.facts,
      quote: { message: toBase64(quote.message), signature: toBase64(quote.signature) },
      pcrs: Object.fromEntries(Array.from(pcrs, ([pcr, value]) => [String(pcr), toHex(value)])),
      list: {
        bank: bankOnWire(this.list.bank),
        fromEntry: list.fromEntry,
        fromOffset: list.fromOffset,
        entries: toBase64(this.list.bytes(list.fromEntry)),
      },
    };
  }
}

async function loadKeys(tpm: Tpm, known?: HostKeys['ak']): Promise<HostKeys> {
  const ek = await tpm.createEndorsementKey();
  const ak = known ?? (await tpm.createAttestationKey(ek.handle));
  const { handle: akHandle, name: akName } = await tpm.loadAttestationKey(ek.handle, ak);
  return { ek, ak, akHandle, akName };
}

function bankOnWire(bank: HashName): EvidenceMessage['list']['bank'] {
  if (bank === 'sha1' || bank === 'sha256' || bank === 'sha384' || bank === 'sha512') return bank;
  throw new Error(`agents do not send lists of the ${bank} bank`);
}
