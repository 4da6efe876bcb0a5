import {
  FINDING_CODES,
  FORMAT_CODES,
  REQUEST_CODES,
  type FindingCode,
  type FormatCode,
  type RequestCode,
} from '@assay/core/errors';
import type { Problem } from '@assay/wire';

export type ProblemCode = RequestCode | FindingCode | FormatCode;

const TEXTS = { ...REQUEST_CODES, ...FINDING_CODES, ...FORMAT_CODES };

/** HTTP status of each problem; the codes that are not here say that the content of a request was refused: 422. */
const STATUS: Partial<Record<ProblemCode, number>> = {
  'REQUEST-MALFORMED': 400,
  'REQUEST-INVALID': 400,
  'REQUEST-UNAUTHENTICATED': 401,
  'REQUEST-FORBIDDEN': 403,
  'REQUEST-ORIGIN': 403,
  'SIGN-IN-REFUSED': 403,
  'ENROLMENT-SECRET': 403,
  'ENROLMENT-REFUSED': 403,
  'CERT-MISSING': 403,
  'CERT-HOST': 403,
  'CERT-CHAIN': 403,
  'CERT-SIGNATURE': 403,
  'CERT-VALIDITY': 403,
  'CERT-AUTHORITY': 403,
  'CERT-EXTENSION': 403,
  'CERT-NAME': 403,
  'CERT-USE': 403,
  'CERT-ALGORITHM': 403,
  'REQUEST-NOT-FOUND': 404,
  'ENROLMENT-UNKNOWN': 404,
  'ENROLMENT-WAITS': 409,
  'ENROLMENT-OVER': 409,
  'KEY-CERTIFIED': 409,
  'EVIDENCE-MISSING': 409,
  'FINDING-SHOWN': 409,
  'FINDING-CLOSED': 409,
  'POLICY-ASSIGNED': 409,
  'POLICY-MANAGED': 409,
  'POLICY-ROLLBACK': 409,
  'POLICY-UNSIGNED': 403,
  'POLICY-SIGNATURE': 403,
  'HOST-DUPLICATE': 409,
  'QUOTE-NONCE': 409,
  'REQUEST-TOO-LARGE': 413,
  'REQUEST-MEDIA-TYPE': 415,
  'REQUEST-HOST': 421,
  'REQUEST-TOO-MANY': 429,
  'VERIFIER-ERROR': 500,
  'SIGN-IN-UNAVAILABLE': 503,
  'STORE-UNAVAILABLE': 503,
  'VERIFIER-LATE': 503,
  'VERIFIER-STOPPING': 503,
};

/** A request that is refused, and why: becomes a problem (RFC 9457). */
export class RequestProblem extends Error {
  readonly code: ProblemCode;

  constructor(code: ProblemCode, detail: string, options?: ErrorOptions) {
    super(detail, options);
    this.name = 'RequestProblem';
    this.code = code;
  }

  get status(): number {
    return STATUS[this.code] ?? 422;
  }

  document(): Problem {
    const { code, status } = this;
    return { type: `urn:assay:code:${code}`, title: TEXTS[code].meaning, status, detail: this.message, code };
  }
}
