/** What a source holds at one moment. */
export interface Snapshot {
  /** Name of the moment: a commit, or a digest of the files. */
  readonly commit: string;
  /** Who signed the commit, where that is asked for. */
  readonly signer: string | null;
  /** @throws SystemError POLICIES-SOURCE; FormatError BYTES-LIMIT */
  read(path: string, most: number): Promise<Uint8Array>;
}

/** Where policies come from. */
export interface PolicySource {
  /** For people: the directory or the address. */
  readonly origin: string;
  readonly branch: string | null;
  /**
   * @param stop ends the look: nobody waits for a network when the verifier stops
   * @throws SystemError POLICIES-SOURCE; VerificationError POLICY-SIGNATURE
   */
  snapshot(stop: AbortSignal): Promise<Snapshot>;
}
