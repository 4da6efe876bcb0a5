import { ByteReader, toHex } from '@assay/core/bytes';
import { message, startup, TPM_ST } from '@assay/core/tpm';
import type { TpmTransport } from '@assay/linux/tpm';
import { attestationCommands } from './attestation-commands.ts';
import { generalCommands } from './general-commands.ts';
import type { Handler } from './handler.ts';
import { Machine, type MachineOptions } from './machine.ts';
import { objectCommands } from './object-commands.ts';
import { pcrCommands } from './pcr-commands.ts';
import { RC, Refusal } from './refusal.ts';
import { sessionCommands } from './session-commands.ts';

const ALL = [...generalCommands, ...pcrCommands, ...objectCommands, ...sessionCommands, ...attestationCommands];
const HANDLERS: ReadonlyMap<number, Handler> = new Map(ALL.map((each) => [each.code, each]));

const HEADER_SIZE = 10;
/** A response to what is no command of TPM 2.0, as TPM 1.2 has it (TPM 2.0 Part 1, clause 18.3). */
const TAG_RSP_COMMAND = 0x00c4;

/**
 * A TPM in this process, for tests and for machines that have none. It speaks the bytes of a TPM 2.0 for the commands
 * that Assay sends, with ECC P-256 keys and banks of SHA-1, SHA-256 and SHA-384. It proves nothing: whoever reads its
 * seed has its keys. It says so in its manufacturer string.
 */
export class SimulatedTpm implements TpmTransport {
  readonly description = 'simulated TPM (no hardware root of trust)';
  readonly #machine: Machine;

  constructor(options: MachineOptions = {}) {
    this.#machine = new Machine(options);
  }

  /** What must be kept so that the next instance is the same TPM after a reset; read it after TPM2_Startup. */
  state(): { seed: string; resetCount: number } {
    return { seed: toHex(this.#machine.seed), resetCount: this.#machine.resetCount };
  }

  async send(command: Uint8Array): Promise<Uint8Array> {
    try {
      return this.#execute(command);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const tag = error.responseCode === RC.BAD_TAG ? TAG_RSP_COMMAND : TPM_ST.NO_SESSIONS;
      return message(tag, error.responseCode, new Uint8Array(0));
    }
  }

  async close(): Promise<void> {
    // Its state lives as long as the object, as that of a chip lives as long as it has power.
  }

  #execute(command: Uint8Array): Uint8Array {
    if (command.length < HEADER_SIZE) throw new Refusal(RC.INSUFFICIENT);
    const reader = new ByteReader(command, 'command');
    const tag = reader.u16('tag');
    const size = reader.u32('commandSize');
    const code = reader.u32('commandCode');
    if (tag !== TPM_ST.NO_SESSIONS && tag !== TPM_ST.SESSIONS) throw new Refusal(RC.BAD_TAG);
    if (size !== command.length) throw new Refusal(RC.COMMAND_SIZE);
    const found = HANDLERS.get(code);
    if (found === undefined) throw new Refusal(RC.COMMAND_CODE);
    if (!this.#machine.started && code !== startup.code) throw new Refusal(RC.INITIALIZE);
    return found.execute(this.#machine, tag, command.subarray(HEADER_SIZE));
  }
}
