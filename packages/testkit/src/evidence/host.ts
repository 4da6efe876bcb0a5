import { fromBase64, fromHex, toBase64, toHex, utf8 } from '@assay/core/bytes';
import { bindingDigest, keyBindingDigest, POSSESSION_SELECTION, possessionDigest } from '@assay/core/evidence';
import type { HashName } from '@assay/core/hash';
import { bootAggregate } from '@assay/core/measurement';
import { nodeHasher } from '@assay/core/node';
import type { PcrSelection } from '@assay/core/tpm';
import { Tpm, type KeyBlobs } from '@assay/linux/tpm';
import type {
  ActivateRequest,
  CertificateRequest,
  Challenge,
  EnrolReply,
  EnrolRequest,
  EvidenceMessage,
  HostFacts,
  MissingLog,
} from '@assay/wire';
import { SimulatedTpm } from '../tpm/index.ts';
import { extendEventLog } from './event-log.ts';
import { SimulatedList, type Appended } from './list.ts';

const IMA_PCR = 10;
const BOOT_PCRS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

const FACTS: HostFacts = {
  tpmKind: 'simulated',
  listSource: 'simulated',
  kernel: '6.12.0-simulated',
  agentVersion: '0.1.0',
};

type Quoted = Pick<EvidenceMessage, 'quote' | 'pcrs'>;

/** The keys of a host; only the attestation key stays loaded, since TPMs have room for few objects. */
interface HostKeys {
  readonly ekPublic: Uint8Array;
  readonly ak: KeyBlobs;
  readonly akHandle: number;
  readonly akName: Uint8Array;
}

interface HostParts {
  readonly name: string;
  readonly chip: SimulatedTpm;
  readonly tpm: Tpm;
  readonly list: SimulatedList;
  readonly banks: readonly HashName[];
  readonly eventLog: Uint8Array | undefined;
}

export interface BootOptions {
  readonly name: string;
  /** Bank of the list; default sha256. */
  readonly bank?: HashName;
  /** Its TPM, without power so far; default one that nobody has seen before. */
  readonly chip?: SimulatedTpm;
  /** Boot event log of its firmware; default none, and nothing in its boot PCRs. */
  readonly eventLog?: Uint8Array;
}

/** What becomes another one while the power is off. */
export interface Rebooting {
  readonly firmwareVersion?: bigint;
  readonly eventLog?: Uint8Array;
}

/**
 * A host with a simulated TPM and a list of its own: what it executes is measured, extended into PCR 10 and can be
 * attested.
 */
export class SimulatedHost {
  readonly facts = FACTS;
  readonly #parts: HostParts;
  /** Loaded when they are first needed: a host that an agent speaks for needs none of its own. */
  #keys: Promise<HostKeys> | null;

  private constructor(parts: HostParts, keys: Promise<HostKeys> | null) {
    this.#parts = parts;
    this.#keys = keys;
  }

  /** Switches a machine on; without a chip, one that nobody has seen before. */
  static boot(options: BootOptions): Promise<SimulatedHost> {
    return SimulatedHost.#switchOn(options.chip ?? new SimulatedTpm(), options);
  }

  /** The same machine after its power was off and on: a new list, and the same keys. */
  async reboot({ firmwareVersion, ...changed }: Rebooting = {}): Promise<SimulatedHost> {
    const { name, chip, list } = this.#parts;
    const log = changed.eventLog ?? this.eventLog;
    const { seed, resetCount } = chip.state();
    const firmware = firmwareVersion === undefined ? {} : { firmwareVersion };
    const next = new SimulatedTpm({ seed: fromHex(seed), resetCount, ...firmware });
    const options = { name, bank: list.bank, ...(log === undefined ? {} : { eventLog: log }) };
    return SimulatedHost.#switchOn(next, options, (await this.#keys)?.ak);
  }

  /** The same machine while it runs, with another attestation key; its list is one. */
  withAnotherKey(): SimulatedHost {
    return new SimulatedHost(this.#parts, loadKeys(this.tpm));
  }

  /** Unloads the attestation key, which then signs nothing more: TPMs have room for few objects. */
  async forgetKey(): Promise<void> {
    await this.tpm.flush((await this.#loadedKeys()).akHandle);
    this.#keys = null;
  }

  static async #switchOn(chip: SimulatedTpm, options: BootOptions, ak?: KeyBlobs): Promise<SimulatedHost> {
    const tpm = new Tpm(chip);
    await tpm.startup();
    if (options.eventLog !== undefined) await extendEventLog(tpm, options.eventLog);
    const parts = {
      name: options.name,
      chip,
      tpm,
      list: new SimulatedList(options.bank),
      banks: await tpm.activeBanks(),
      eventLog: options.eventLog,
    };
    const host = new SimulatedHost(parts, ak === undefined ? null : loadKeys(tpm, ak));
    const pcrs = await tpm.readPcrs('sha256', BOOT_PCRS);
    await host.extend(parts.list.begin(bootAggregate(nodeHasher, 'sha256', pcrs)));
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

  /** What an agent would read as the log of the firmware. */
  get eventLog(): Uint8Array | undefined {
    return this.#parts.eventLog;
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

  async enrolRequest(): Promise<EnrolRequest> {
    const { ekPublic, ak } = await this.#loadedKeys();
    return { name: this.name, ekPublic: toBase64(ekPublic), akPublic: toBase64(ak.public), facts: this.facts };
  }

  /** @returns the credential's secret, hexadecimal */
  async openCredential(reply: Pick<EnrolReply, 'credentialBlob' | 'encryptedSecret'>): Promise<string> {
    const { akHandle } = await this.#loadedKeys();
    const [blob, secret] = [fromBase64(reply.credentialBlob), fromBase64(reply.encryptedSecret)];
    return withEndorsementKey(this.tpm, async ({ handle }) =>
      toHex(await this.tpm.activateCredential(akHandle, handle, blob, secret)),
    );
  }

  /** What the attestation key signs to show that the host has it. @param secret of the credential, hexadecimal */
  async possession(enrolment: string, secret: string): Promise<Required<Pick<ActivateRequest, 'possession'>>> {
    const { akHandle, akName } = await this.#loadedKeys();
    const extraData = possessionDigest(nodeHasher, { nonce: fromHex(secret), session: enrolment, akName });
    return { possession: await this.#quoted(akHandle, extraData, POSSESSION_SELECTION) };
  }

  #loadedKeys(): Promise<HostKeys> {
    this.#keys ??= loadKeys(this.tpm);
    return this.#keys;
  }

  /** Answers a challenge with a quote over a key of the host. @param key SubjectPublicKeyInfo in DER */
  async certificateRequest({ session, nonce, selection }: Challenge, key: Uint8Array): Promise<CertificateRequest> {
    const { akHandle, akName } = await this.#loadedKeys();
    const extraData = keyBindingDigest(nodeHasher, { nonce: fromHex(nonce), session, akName }, key);
    return { session, key: toBase64(key), ...(await this.#quoted(akHandle, extraData, selection)) };
  }

  async #quoted(akHandle: number, extraData: Uint8Array, selection: PcrSelection): Promise<Quoted> {
    const { message, signature } = await this.tpm.quote(akHandle, extraData, [selection]);
    const pcrs = await this.tpm.readPcrs(selection.bank, selection.pcrs);
    return {
      quote: { message: toBase64(message), signature: toBase64(signature) },
      pcrs: Object.fromEntries(Array.from(pcrs, ([pcr, value]) => [String(pcr), toHex(value)])),
    };
  }

  /** Answers a challenge: a quote, the entries from the place that the challenge names, and the boot event log if it is asked for. */
  async evidence(
    challenge: Challenge,
    eventLog: Uint8Array | MissingLog | undefined = this.eventLog,
  ): Promise<EvidenceMessage> {
    const { session, selection, list } = challenge;
    const { akHandle, akName } = await this.#loadedKeys();
    const asker = { nonce: fromHex(challenge.nonce), session, akName, facts: this.facts };
    const sent = challenge.eventLog === true ? eventLog : undefined;
    const binding = sent === undefined ? asker : { ...asker, eventLog: sent };
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
      ...(sent === undefined
        ? {}
        : { eventLog: typeof sent === 'string' ? { missing: sent } : { bytes: toBase64(sent) } }),
    };
  }
}

function loadKeys(tpm: Tpm, known?: KeyBlobs): Promise<HostKeys> {
  return withEndorsementKey(tpm, async (ek) => {
    const ak = known ?? (await tpm.createAttestationKey(ek.handle));
    const { handle: akHandle, name: akName } = await tpm.loadAttestationKey(ek.handle, ak);
    return { ekPublic: ek.public, ak, akHandle, akName };
  });
}

async function withEndorsementKey<T>(
  tpm: Tpm,
  use: (ek: { handle: number; public: Uint8Array }) => Promise<T>,
): Promise<T> {
  const ek = await tpm.createEndorsementKey();
  try {
    return await use(ek);
  } finally {
    await tpm.flush(ek.handle);
  }
}

function bankOnWire(bank: HashName): EvidenceMessage['list']['bank'] {
  if (bank === 'sha1' || bank === 'sha256' || bank === 'sha384' || bank === 'sha512') return bank;
  throw new Error(`agents do not send lists of the ${bank} bank`);
}
