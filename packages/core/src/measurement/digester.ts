import { equalBytes } from '../bytes/index.ts';
import { FormatError } from '../errors/index.ts';
import { hashAlgorithm, type HashName, type InPlaceHasher } from '../hash/index.ts';
import { parseBinaryList } from './binary.ts';
import type { MeasurementEntry } from './entry.ts';
import { EXTENSION_PREFIX, FORGED, TEMPLATES_IN_BATCH, VIOLATION, type Extensions } from './extensions.ts';
import { entryKind } from './kinds.ts';
import { KnownTemplates, type KnownTemplate } from './known-templates.ts';
import { quickFields } from './quick-fields.ts';
import { isZeroDigest, LAST_PCR, recordLayout, recordLength, type RecordLayout } from './records.ts';
import type { ListForm } from './form.ts';
import { digestInput } from './template-data.ts';

/** Start, end and target of a message (see `InPlaceHasher.each`). */
const SPAN = 3;

/**
 * The part of the work that any thread can do on any part of a list: reads each entry as strictly as `parseBinaryList`,
 * computes its template digest in each bank, and compares the one that is recorded.
 */
export class Digester {
  readonly #form: ListForm;
  readonly #layout: RecordLayout;
  readonly #banks: readonly HashName[];
  readonly #hasher: InPlaceHasher;
  readonly #templates = new KnownTemplates();
  /** Of the batch. */
  readonly #seen: KnownTemplate[] = [];
  #spans = new Int32Array(0);
  #spanCount = 0;
  #taken = 0;
  #section: Section = { from: 0, end: 0, number: 1 };

  /** @param banks in which digests are computed; that of the list comes first */
  constructor(form: ListForm, banks: readonly HashName[], hasher: InPlaceHasher) {
    this.#form = form;
    this.#layout = recordLayout(form);
    this.#banks = banks;
    this.#hasher = hasher;
  }

  /**
   * Takes records of a binary list from `list[from, end)` as long as they are whole, sound and have room.
   * @returns whether it stopped at a record that `parseBinaryList` may refuse
   */
  records(list: DataView, section: Section, out: Extensions): boolean {
    this.#begin(out);
    this.#section = section;
    const { from, end, number } = section;
    let at = from;
    let refused = false;
    while (this.#taken < out.room) {
      const length = recordLength(list, at, end, this.#layout, number + this.#taken);
      if (length === 0) break;
      refused = length < 0 || !this.#record(list, at, at + length, out);
      if (refused) break;
      at += length;
      this.#taken++;
    }
    this.#digestSpans(list, from, out);
    out.finish(this.#taken, at - from, this.#seen);
    return refused;
  }

  /** Takes entries, as many as there is room for. */
  entries(entries: readonly MeasurementEntry[], out: Extensions): void {
    this.#begin(out);
    const base = entries[0]?.offset ?? 0;
    let consumed = 0;
    for (const entry of entries.slice(0, out.room)) {
      const template = this.#templates.of(entry.template);
      if (template === undefined || !this.#entry(entry, entry.offset - base, template, out)) break;
      this.#taken++;
      consumed += entry.length;
    }
    out.finish(this.#taken, consumed, this.#seen);
  }

  #begin(out: Extensions): void {
    out.clear();
    this.#seen.length = 0;
    this.#spanCount = 0;
    this.#taken = 0;
    if (this.#spans.length < SPAN * out.room) this.#spans = new Int32Array(SPAN * out.room);
  }

  /** @returns whether there was room for another template */
  #count(template: KnownTemplate): boolean {
    if (!this.#seen.includes(template)) {
      if (this.#seen.length === TEMPLATES_IN_BATCH) return false;
      template.count = 0;
      this.#seen.push(template);
    }
    template.count++;
    return true;
  }

  /** @returns whether the record was taken */
  #record(list: DataView, at: number, end: number, out: Extensions): boolean {
    const { digestSize, little } = this.#layout;
    const name = at + 8 + digestSize;
    const nameLength = list.getUint32(name - 4, little);
    const template = this.#templates.named(list, name, nameLength);
    if (template === undefined) return false;
    const data = name + nameLength + 4;
    const pcr = list.getUint32(at, little);
    if (template.fields === undefined || pcr > LAST_PCR || !quickFields(list, data, end, template.fields, little)) {
      return this.#strict(list, at, end, template, out);
    }
    if (!this.#count(template)) return false;
    const violation = isZeroDigest(list, at + 4, digestSize);
    const to = out.begin(this.#taken, at - this.#section.from, pcr, violation ? VIOLATION : 0);
    if (!violation) this.#span(data, end, to);
    return true;
  }

  #span(start: number, end: number, to: number): void {
    const span = SPAN * this.#spanCount++;
    this.#spans[span] = start;
    this.#spans[span + 1] = end;
    this.#spans[span + 2] = to;
  }

  #digestSpans(list: DataView, from: number, out: Extensions): void {
    this.#hasher.each(this.#banks, list, this.#spans, this.#spanCount, out.values);
    const { digestSize } = this.#layout;
    for (let span = 0; span < this.#spanCount; span++) {
      const to = this.#spans[SPAN * span + 2] ?? 0;
      const entry = (to - EXTENSION_PREFIX) / out.stride;
      if (!isSame(list, from + (out.starts[entry] ?? 0) + 4, out.values, to, digestSize)) out.flag(entry, FORGED);
    }
  }

  /** As `parseBinaryList` reads it, which takes longer. @returns false where that refuses it */
  #strict(list: DataView, at: number, end: number, template: KnownTemplate, out: Extensions): boolean {
    const { from, number } = this.#section;
    const bytes = new Uint8Array(list.buffer, list.byteOffset + at, end - at);
    try {
      const [entry] = parseBinaryList(bytes, { ...this.#form, firstEntry: number + this.#taken }).entries;
      return entry !== undefined && this.#entry(entry, at - from, template, out);
    } catch (error) {
      if (error instanceof FormatError) return false;
      throw error;
    }
  }

  /** @returns whether there was room for all that it says */
  #entry(entry: MeasurementEntry, start: number, template: KnownTemplate, out: Extensions): boolean {
    const aggregate = entryKind(entry) === 'boot-aggregate' ? entry.fields.digest : undefined;
    if (aggregate !== undefined && !out.addAggregate(this.#taken, aggregate)) return false;
    if (!this.#count(template)) return false;
    const first = out.begin(this.#taken, start, entry.pcr, entry.violation ? VIOLATION : 0);
    if (!entry.violation) this.#digestEntry(entry, first, out);
    return true;
  }

  #digestEntry(entry: MeasurementEntry, first: number, out: Extensions): void {
    const input = digestInput(entry);
    const view = new DataView(input.buffer, input.byteOffset, input.length);
    let offset = first;
    for (const bank of this.#banks) {
      this.#hasher.into(bank, view, { start: 0, end: input.length, offset }, out.values);
      offset += hashAlgorithm(bank).size;
    }
    const computed = new Uint8Array(out.values.buffer, out.values.byteOffset + first, this.#layout.digestSize);
    if (!equalBytes(computed, entry.templateDigest)) out.flag(this.#taken, FORGED);
  }
}

/** A part of a list that begins with a record. */
interface Section {
  readonly from: number;
  readonly end: number;
  /** Of its first entry. */
  readonly number: number;
}

/** Digest sizes of all banks of TPMs are multiples of four. */
function isSame(a: DataView, at: number, b: DataView, to: number, size: number): boolean {
  for (let index = 0; index < size; index += 4) if (a.getInt32(at + index) !== b.getInt32(to + index)) return false;
  return true;
}
