import type { VerificationCode } from './finding-codes.ts';
import type { FormatCode } from './format-codes.ts';
import type { SystemCode } from './system-codes.ts';

/** Where in the input something was found. `offset` counts bytes from 0, `line`, `column` and `entry` count from 1. */
export interface ErrorPlace {
  readonly offset?: number;
  readonly line?: number;
  readonly column?: number;
  readonly entry?: number;
  readonly field?: string;
}

/** Base of every error that Assay throws on purpose; `code` is stable and listed in docs/codes.md. */
export abstract class AssayError extends Error {
  abstract readonly code: FormatCode | VerificationCode | SystemCode;
  readonly place: ErrorPlace;

  constructor(message: string, place: ErrorPlace = {}, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.place = place;
  }
}

/** The input cannot be read: it is not of the form that its specification gives it. */
export class FormatError extends AssayError {
  readonly code: FormatCode;

  constructor(code: FormatCode, message: string, place?: ErrorPlace) {
    super(message, place);
    this.code = code;
  }
}

/** The input can be read and does not verify. */
export class VerificationError extends AssayError {
  readonly code: VerificationCode;

  constructor(code: VerificationCode, message: string, place?: ErrorPlace) {
    super(message, place);
    this.code = code;
  }
}

/** The machine, a device, a file or a peer does not do what is needed. */
export class SystemError extends AssayError {
  readonly code: SystemCode;

  constructor(code: SystemCode, message: string, options?: ErrorOptions) {
    super(message, {}, options);
    this.code = code;
  }
}
