import type { Migration } from './migration.ts';

/** All who signed a version of a policy. */
export const policySigners: Migration = {
  name: 'policy-signers',
  statements: () => `
  alter table policies add column signers text not null default '[]';
`,
};
