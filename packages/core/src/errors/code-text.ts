/** What a code means, and what the person who meets it can do. docs/codes.md is written from the tables of these. */
export interface CodeText {
  readonly meaning: string;
  readonly remedy: string;
}
