import type { EntryFields, MeasurementEntry } from './entry.ts';
import { KnownTemplates, type KnownTemplate } from './known-templates.ts';
import type { FieldId } from './fields.ts';
import type { ListForm } from './form.ts';
import { quickDigest, quickFields } from './quick-fields.ts';
import { isZeroDigest, LAST_PCR, recordLayout, recordLength, type RecordLayout } from './records.ts';

/** Fields of entries of files, of which nearly every list is made. */
const QUICK: ReadonlySet<FieldId> = new Set(['d-ng', 'd-ngv2', 'n-ng', 'sig']);

/**
 * Reads the records of a binary list that are right for sure, many times as fast as the strict reader, which decides about
 * all others.
 */
export class QuickEntries {
  readonly #bytes: Uint8Array;
  readonly #list: DataView;
  readonly #layout: RecordLayout;
  readonly #accept: ((template: string) => boolean) | undefined;
  readonly #templates = new KnownTemplates();
  /** Whether the records of a template are read here. */
  readonly #isQuick = new Map<KnownTemplate, boolean>();

  constructor(bytes: Uint8Array, form: Omit<ListForm, 'format'> & { readonly accept?: (template: string) => boolean }) {
    this.#bytes = bytes;
    this.#list = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#layout = recordLayout({ format: 'binary', ...form });
    this.#accept = form.accept;
  }

  /**
   * The entry whose record begins at `start`.
   * @returns undefined where the strict reader has to look
   */
  at(start: number, place: { readonly entry: number; readonly offset: number }): MeasurementEntry | undefined {
    const { digestSize, little } = this.#layout;
    const length = recordLength(this.#list, start, this.#bytes.length, this.#layout, place.entry);
    if (length <= 0 || !little) return undefined;
    const name = start + 8 + digestSize;
    const nameLength = this.#list.getUint32(name - 4, little);
    const template = this.#templates.named(this.#list, name, nameLength);
    if (template?.fields === undefined || !this.#reads(template)) return undefined;
    const pcr = this.#list.getUint32(start, little);
    const data = name + nameLength + 4;
    const end = start + length;
    if (pcr > LAST_PCR || !quickFields(this.#list, data, end, template.fields, little)) return undefined;
    return {
      pcr,
      templateDigest: this.#bytes.subarray(start + 4, start + 4 + digestSize),
      template: template.name,
      templateData: this.#bytes.subarray(data, end),
      number: place.entry,
      offset: place.offset,
      length,
      fields: this.#fields(data, template.fields),
      violation: isZeroDigest(this.#list, start + 4, digestSize),
    };
  }

  #reads(template: KnownTemplate): boolean {
    const known = this.#isQuick.get(template);
    if (known !== undefined) return known;
    const distinct = new Set(template.fields).size === template.fields?.length;
    const quick = distinct && (template.fields?.every((id) => QUICK.has(id)) ?? false);
    const reads = quick && this.#accept?.(template.name) !== false;
    this.#isQuick.set(template, reads);
    return reads;
  }

  /** Of template data that `quickFields` has looked at. */
  #fields(data: number, ids: readonly FieldId[]): EntryFields {
    const fields: { -readonly [Name in keyof EntryFields]: EntryFields[Name] } = {};
    let at = data;
    for (const id of ids) {
      const from = at + 4;
      at = from + this.#list.getUint32(at, true);
      if (id === 'n-ng') fields.name = this.#bytes.subarray(from, at - 1);
      else if (id === 'sig') fields.signature = this.#bytes.subarray(from, at);
      else fields.digest = quickDigest(this.#list, from, at, id === 'd-ngv2');
    }
    return fields;
  }
}
