import type { Migration } from './migration.ts';

/** Which key signed a version of a policy, and who captured reference values; nobody knows it of older ones. */
export const signers: Migration = {
  name: 'signers',
  statements: () => `
  alter table policies add column signer_key text;
  alter table reference_versions add column captured_by text;
`,
};
