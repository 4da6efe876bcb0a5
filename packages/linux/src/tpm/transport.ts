/** Carries commands to a TPM: bytes in, bytes out, one command at a time. `Tpm` queues, repeats and limits. */
export interface TpmTransport {
  /** What answers, for people: a path and what is behind it. */
  readonly description: string;
  /** @throws SystemError TPM-UNREACHABLE, NOT-PERMITTED */
  send(command: Uint8Array): Promise<Uint8Array>;
  close(): Promise<void>;
}
