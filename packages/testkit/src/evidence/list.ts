import { concat, utf8 } from '@assay/core/bytes';
import { hashAlgorithm, type HashName } from '@assay/core/hash';
import {
  encodeBinaryEntry,
  encodeTemplateData,
  extendValue,
  templateDigest,
  type EntryContent,
  type EntryFields,
  type TemplateName,
} from '@assay/core/measurement';
import { nodeHasher } from '@assay/core/node';
import type { ListPlace, MeasurementSource } from '@assay/linux/ima';

const IMA_PCR = 10;

/** What a list asks of a TPM for each entry: one value per bank, for PCR 10. */
export interface Appended {
  /** Place in the list, from 1. */
  readonly number: number;
  /** The value that is extended in a bank. */
  extendValue(bank: HashName): Uint8Array;
}

/** A measurement list that grows as the kernel's does, in one bank, without a kernel. */
export class SimulatedList implements MeasurementSource {
  readonly bank: HashName;
  readonly #records: Uint8Array[] = [];
  readonly #watchers = new Set<() => void>();

  constructor(bank: HashName = 'sha256') {
    this.bank = bank;
  }

  get entries(): number {
    return this.#records.length;
  }

  /** The binary list so far, or from one entry on (from 1). */
  bytes(fromEntry = 1): Uint8Array {
    return concat(this.#records.slice(fromEntry - 1));
  }

  /** Byte of the binary list where an entry (from 1) begins; that after the last is where the list ends. */
  offsetOf(entry: number): number {
    return this.#records.slice(0, entry - 1).reduce((sum, record) => sum + record.length, 0);
  }

  start(): Promise<ListPlace> {
    return Promise.resolve({ fromEntry: 1, fromOffset: 0 });
  }

  read(fromOffset: number, most = Number.POSITIVE_INFINITY): Promise<Uint8Array> {
    return Promise.resolve(this.bytes().subarray(fromOffset, fromOffset + most));
  }

  watch(changed: () => void): () => void {
    this.#watchers.add(changed);
    return () => this.#watchers.delete(changed);
  }

  /** Tells the watchers; once the TPM holds the new entries, so that a quote covers them. */
  announce(): void {
    for (const changed of this.#watchers) changed();
  }

  /** The first entry of every list. @param digest SHA-256 over PCR 0 to 9 */
  begin(digest: Uint8Array): Appended {
    return this.measure('boot_aggregate', digest);
  }

  /** A file that was executed. @param digest SHA-256 of its content */
  measure(path: string | Uint8Array, digest: Uint8Array): Appended {
    const name = typeof path === 'string' ? utf8(path) : path;
    return this.append('ima-ng', { digest: { algorithm: 'sha256', value: digest }, name });
  }

  /** A file that was written to while it was measured: recorded with zeros. */
  violate(path: string): Appended {
    const fields = { digest: { algorithm: 'sha256', value: new Uint8Array(32) }, name: utf8(path) } as const;
    const content = { pcr: IMA_PCR, template: 'ima-ng', templateData: encodeTemplateData('ima-ng', fields) };
    return this.#add({ ...content, templateDigest: new Uint8Array(hashAlgorithm(this.bank).size) });
  }

  append(template: TemplateName, fields: EntryFields): Appended {
    const templateData = encodeTemplateData(template, fields);
    const digest = templateDigest(nodeHasher, this.bank, { template, templateData });
    return this.#add({ pcr: IMA_PCR, template, templateData, templateDigest: digest });
  }

  /** An entry that a kernel recorded, in the bank of this list. */
  again({ pcr, template, templateData, templateDigest: digest }: EntryContent): Appended {
    return this.#add({ pcr, template, templateData, templateDigest: digest });
  }

  #add(content: Parameters<typeof encodeBinaryEntry>[0]): Appended {
    const number = this.#records.push(encodeBinaryEntry(content));
    return { number, extendValue: (bank) => extendValue(nodeHasher, bank, content) };
  }
}
