// Rows of what hosts send besides evidence; how values stand in them, schema.ts says.

/** Entries of a list that came before the quote that will prove them. */
export interface ListPartRow {
  host: string;
  /** Place of the first in the list, from 1, and the byte at which it begins. */
  first: number;
  byte_offset: number;
  /** What tells one way through the list from another: chosen by the agent when it starts. */
  upload: string;
  /** PCR 10 before the first entry and after the last. */
  start_pcr: Uint8Array;
  end_pcr: Uint8Array;
  count: number;
  /** That the entries take in the binary list. */
  bytes: number;
  violations: number;
  received_at: string;
  /** store/ids.ts */
  ids: Uint8Array;
}

/** What a host sent as the boot event log of a boot. */
export interface BootLogRow {
  boot: number;
  host: string;
  received_at: string;
  state: 'proved' | 'refused' | 'missing';
  /** Why it is refused, in a sentence, or the word of the host why there is none. */
  reason: string | null;
  /** Bytes of the log. */
  size: number | null;
  /** Deflated (RFC 1951); null where there is none, and for boots long past. */
  log: Uint8Array | null;
  /** Quoted values of PCR 0 to 15 in the SHA-256 bank that it was compared with, one after the other. */
  pcrs: Uint8Array;
  /** BootFacts of core as JSON, where it is proved. */
  facts: string | null;
}
