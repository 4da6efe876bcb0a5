import { fromBase64, fromHex, toBase64, toHex, utf8 } from '@assay/core/bytes';
import { bindingDigest } from '@assay/core/evidence';
import type { HashName } from '@assay/core/hash';
import { bootAggregate } from '@assay/core/measurement';
import { nodeHasher } from '@assay/core/node';
import type { Tpm } from '@assay/linux/tpm';
import type { Challenge, EnrolReply, EnrolRequest, EvidenceMessage, HostFacts } from '@assay/wire';
import { SimulatedList, type Appended } from './list.ts';

const IMA_PCR = 10;
const BOOT_PCRS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

const FACTS: HostFacts = {
  tpmKind: 'simulated',
  listSource: 'simulated',
  kernel: '6.12.0-simulated',
  agentVersion: '0.1.0',
};

/** Keys of a host, as they are kept over a reboot. */
export interface HostKeys {
  readonly ek: { readonly handle: number; readonly public: Uint8Array };
  readonly ak: { readonly private: Uint8Array; readonly public: Uint8Array };
  readonly akHandle: number;
  readonly akName: Uint8Array;
}

/** A host with a list of its own: what it executes is measured, extended into its TPM and can be attested. */
export class SimulatedHost {
  readonly name: string;
  readonly tpm: Tpm;
  readonly list: SimulatedList;
  readonly facts: HostFacts;
  readonly #banks: readonly HashName[];
  readonly #keys: HostKeys;

  private constructor(name: string, tpm: Tpm, list: SimulatedList, banks: readonly HashName[], keys: HostKeys) {
    this.name = name;
    this.tpm = tpm;
    this.list = list;
    this.facts = FACTS;
    this.#banks = banks;
    this.#keys = keys;
  }

  /**
   * Starts the TPM and the list, whose first entry is boot_aggregate.
   * @param tpm a TPM that was just switched on; the caller closes it
   * @param options.ak the key of an earlier boot; otherwise a new one
   */
  static async boot(tpm: Tpm, options: { name: string; bank?: HashName; ak?: HostKeys['ak'] }): Promise<SimulatedHost> {
    await tpm.startup();
    const ek = await tpm.createEndorsementKey();
    const ak = options.ak ?? (await tpm.createAttestationKey(ek.handle));
    const { handle: akHandle, name: akName } = await tpm.loadAttestationKey(ek.handle, ak);
    const banks = await tpm.activeBanks();
    const host = new SimulatedHost(options.name, tpm, new SimulatedList(options.bank), banks, {
      ek,
      ak,
      akHandle,
      akName,
    });
    const pcrs = await tpm.readPcrs('sha256', BOOT_PCRS);
    await host.extend(host.list.begin(bootAggregate(nodeHasher, 'sha256', pcrs)));
    return host;
  }

  get keys(): HostKeys {
    return this.#keys;
  }

  /** Measures a program as it runs. */
  async execute(path: string, content: Uint8Array | string): Promise<void> {
    const bytes = typeof content === 'string' ? utf8(content) : content;
    await this.extend(this.list.measure(path, nodeHasher.digest('sha256', bytes)));
  }

  async extend(entry: Appended): Promise<void> {
    await this.tpm.extendPcr(IMA_PCR, new Map(this.#banks.map((bank) => [bank, entry.extendValue(bank)])));
    this.list.announce();
  }

  enrolRequest(): EnrolRequest {
    return {
      name: this.name,
      ekPublic: toBase64(this.#keys.ek.public),
      akPublic: toBase64(this.#keys.ak.public),
      facts: this.facts,
    };
  }

  /** @returns the credential's secret, hexadecimal */
  async openCredential(reply: Pick<EnrolReply, 'credentialBlob' | 'encryptedSecret'>): Promise<string> {
    const { ek, akHandle } = this.#keys;
    const blob = fromBase64(reply.credentialBlob);
    return toHex(await this.tpm.activateCredential(akHandle, ek.handle, blob, fromBase64(reply.encryptedSecret)));
  }

  /** Answers a challenge: a quote, and the entries from the place that the challenge names. */
  async evidence(challenge: Challenge): Promise<EvidenceMessage> {
    const { session, selection, list } = challenge;
    const { akHandle, akName } = this.#keys;
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

function bankOnWire(bank: HashName): EvidenceMessage['list']['bank'] {
  if (bank === 'sha1' || bank === 'sha256' || bank === 'sha384' || bank === 'sha512') return bank;
  throw new Error(`agents do not send lists of the ${bank} bank`);
}
