import { acknowledgements } from './acknowledgements.ts';
import { alerts } from './alerts.ts';
import { access } from './access.ts';
import { akCertificates } from './ak-certificates.ts';
import { admissions } from './admissions.ts';
import { bootLogs } from './boot-logs.ts';
import { endorsements } from './endorsements.ts';
import { entryKeys } from './entry-keys.ts';
import { firmware } from './firmware.ts';
import { fleet } from './fleet.ts';
import { history } from './history.ts';
import { keyRenewals } from './key-renewals.ts';
import { listParts } from './list-parts.ts';
import type { Migration } from './migration.ts';
import { policies } from './policies.ts';
import { policyChanges } from './policy-changes.ts';
import { policyEnds } from './policy-ends.ts';
import { policySource } from './policy-source.ts';
import { policySigners } from './policy-signers.ts';
import { rounds } from './rounds.ts';
import { sessions } from './sessions.ts';
import { signers } from './signers.ts';

/** In the order in which they are applied; a new one goes to the end. */
export const MIGRATIONS: readonly Migration[] = [
  fleet,
  firmware,
  rounds,
  alerts,
  access,
  policies,
  endorsements,
  acknowledgements,
  policyChanges,
  policySource,
  policyEnds,
  sessions,
  admissions,
  entryKeys,
  history,
  listParts,
  signers,
  bootLogs,
  keyRenewals,
  policySigners,
  akCertificates,
];
