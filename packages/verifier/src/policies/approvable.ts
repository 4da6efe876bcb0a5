/** Codes of findings that a digest among the good ones would end. */
export const APPROVABLE: ReadonlySet<string> = new Set(['IMA-UNKNOWN-DIGEST', 'IMA-DIGEST-CHANGED']);
