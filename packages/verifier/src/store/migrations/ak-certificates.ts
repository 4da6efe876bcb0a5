import type { Migration } from './migration.ts';

/** Certificates of attestation keys, what those that verified say, and which machine that is. */
export const akCertificates: Migration = {
  name: 'ak-certificates',
  statements: () => `
  alter table hosts add column ak_certificates text;
  alter table hosts add column ak_certificate text;
  alter table hosts add column ak_identity text;
  create index hosts_by_ak_identity on hosts (ak_identity);
  alter table enrolments add column ak_certificates text;
  `,
};
