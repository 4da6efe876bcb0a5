import { ByteReader, ByteWriter } from '@assay/core/bytes';
import { SystemError } from '@assay/core/errors';
import { ask, connect, unreachable, type SocketAddress } from './swtpm.ts';

/** Commands of swtpm's control channel (swtpm(8), include/swtpm/tpm_ioctl.h); all integers are big-endian. */
const COMMAND = {
  GET_CAPABILITY: 1,
  INIT: 2,
  SHUTDOWN: 3,
  SET_LOCALITY: 5,
  HASH_START: 6,
  HASH_DATA: 7,
  HASH_END: 8,
} as const;

/** INIT without what TPM2_Shutdown(STATE) saved. */
const DELETE_VOLATILE = 1;
const RESULT_SIZE = 4;
const TIME_LIMIT_MS = 10_000;

/** What a platform does to its TPM: power, locality and the digests of a dynamic launch. */
export class SwtpmControl {
  readonly #address: SocketAddress;
  readonly #timeLimitMs: number;

  /** @param address of the control channel: for swtpm at a path, that path with `.ctrl` */
  constructor(address: SocketAddress, options: { timeLimitMs?: number } = {}) {
    this.#address = address;
    this.#timeLimitMs = options.timeLimitMs ?? TIME_LIMIT_MS;
  }

  /** Bits of what this swtpm can do (PTM_CAP_*). */
  async capabilities(): Promise<bigint> {
    const answer = await this.#exchange(COMMAND.GET_CAPABILITY, new Uint8Array(0), 8);
    return new ByteReader(answer, 'capabilities of swtpm').u64('caps');
  }

  /** Power off and on; TPM2_Startup has to follow. @param options.keepVolatile what TPM2_Shutdown(STATE) saved stays */
  async powerCycle(options: { keepVolatile?: boolean } = {}): Promise<void> {
    const flags = options.keepVolatile === true ? 0 : DELETE_VOLATILE;
    await this.#request(COMMAND.INIT, new ByteWriter().u32(flags).finish());
  }

  /** Locality of the commands that follow, 0 to 4. */
  async setLocality(locality: number): Promise<void> {
    await this.#request(COMMAND.SET_LOCALITY, Uint8Array.of(locality));
  }

  /** What a processor sends at a dynamic launch: resets PCR 17 to 22 and extends PCR 17. */
  async dynamicLaunch(data: Uint8Array): Promise<void> {
    await this.#request(COMMAND.HASH_START, new Uint8Array(0));
    await this.#request(COMMAND.HASH_DATA, new ByteWriter().u32(data.length).bytes(data).finish());
    await this.#request(COMMAND.HASH_END, new Uint8Array(0));
  }

  /** Ends swtpm. */
  async shutdown(): Promise<void> {
    await this.#request(COMMAND.SHUTDOWN, new Uint8Array(0));
  }

  /** A request whose answer is a TPM_RESULT alone. */
  async #request(command: number, body: Uint8Array): Promise<void> {
    const answer = await this.#exchange(command, body, RESULT_SIZE);
    const result = new ByteReader(answer, 'answer of swtpm').u32('result');
    if (result !== 0) {
      throw new SystemError('TPM-RESPONSE', `swtpm refuses control command ${command} with 0x${result.toString(16)}`);
    }
  }

  async #exchange(command: number, body: Uint8Array, answerSize: number): Promise<Uint8Array> {
    const socket = await connect(this.#address);
    const timer = setTimeout(
      () => socket.destroy(new Error(`no answer in ${this.#timeLimitMs} ms`)),
      this.#timeLimitMs,
    );
    try {
      return await ask(socket, new ByteWriter().u32(command).bytes(body).finish(), () => answerSize);
    } catch (error) {
      throw unreachable(this.#address, error);
    } finally {
      clearTimeout(timer);
      socket.destroy();
    }
  }
}
