/** One forgery, or something odd that is right, and what a sound verifier makes of it. */
export interface ForgedCase<Bundle> {
  /** Which of the cases of docs/adversary.md it is; 0 for what is accepted beside them. */
  readonly number: number;
  readonly name: string;
  /** The code by which Assay refuses it, `unreadable` for any FormatError, `accept` where every verifier must accept it. */
  readonly answer: string;
  readonly bundle: Bundle;
}
