import type { Migration } from './migration.ts';

/** Certificates of endorsement keys, and what those that verified say. */
export const endorsements: Migration = {
  name: 'endorsements',
  statements: () => `
  alter table hosts add column ek_certificates text;
  alter table hosts add column endorsement text;
  alter table enrolments add column ek_certificates text;
  `,
};
