import type { Migration } from './migration.ts';

/** Until when what is in force is good, and when the next part of it ends: empty where nobody has looked yet. */
export const policyEnds: Migration = {
  name: 'policy-ends',
  statements: () => `
  alter table policies_in_force add column valid_until text;
  alter table policies_in_force add column ends_at text default '';
  `,
};
