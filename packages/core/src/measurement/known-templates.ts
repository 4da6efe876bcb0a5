import { FormatError } from '../errors/index.ts';
import type { FieldId } from './fields.ts';
import { fieldsOf, isOldTemplate } from './templates.ts';

/** A template that a list has used, and how often in the records that are being read. */
export interface KnownTemplate {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Absent for template `ima`, whose layout is its own. */
  readonly fields?: readonly FieldId[];
  count: number;
}

/** A machine has the built-in templates and a custom one; this is for lists made to fill memory. */
const KEPT = 1000;

/** Templates by the bytes of their names, without making a string of each. */
export class KnownTemplates {
  readonly #known = new Map<string, KnownTemplate>();
  #last: KnownTemplate | undefined;

  /** @returns undefined for a name that is no template's */
  named(list: DataView, at: number, length: number): KnownTemplate | undefined {
    const last = this.#last;
    if (last !== undefined && isName(last.bytes, list, at, length)) return last;
    const bytes = new Uint8Array(list.buffer, list.byteOffset + at, length).slice();
    this.#last = this.#find(String.fromCharCode(...bytes), bytes);
    return this.#last;
  }

  /** By its name, where nothing has been read yet that has it. */
  of(name: string): KnownTemplate | undefined {
    return this.#find(
      name,
      Uint8Array.from(name, (letter) => letter.charCodeAt(0)),
    );
  }

  #find(name: string, bytes: Uint8Array): KnownTemplate | undefined {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const made = makeTemplate(name, bytes);
    if (made === undefined) return undefined;
    if (this.#known.size >= KEPT) this.#known.clear();
    this.#known.set(name, made);
    return made;
  }
}

function isName(name: Uint8Array, list: DataView, at: number, length: number): boolean {
  if (name.length !== length) return false;
  for (let index = 0; index < length; index++) if (list.getUint8(at + index) !== name[index]) return false;
  return true;
}

function makeTemplate(name: string, bytes: Uint8Array): KnownTemplate | undefined {
  try {
    const fields = fieldsOf(name);
    return isOldTemplate(name) ? { name, bytes, count: 0 } : { name, bytes, fields, count: 0 };
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}
