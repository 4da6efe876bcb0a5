import type { Role } from '@assay/wire';
import { RequestProblem } from '../problem.ts';
import type { SignInSettings } from './settings.ts';

/** Who signed in, as a verified ID token says. */
export interface Identity {
  /** Stays with the person: issuer and subject (OpenID Connect Core 1.0, section 2). */
  readonly subject: string;
  readonly name: string;
  readonly role: Role;
}

type Claims = Readonly<Record<string, unknown>>;

/** From the most to the least. */
const ROLES = ['admin', 'approver', 'operator', 'viewer'] as const;

/** As of the names of tokens: what stands in the audit log is never of a form that misleads its readers. */
const NAME = /^[\w.@+-]{1,64}$/;

/**
 * What the claims of an ID token mean here: the name, and the highest role that one of the groups has.
 * @throws RequestProblem REQUEST-FORBIDDEN
 */
export function identityOf(claims: Claims, settings: SignInSettings): Identity {
  const name = nameOf(claims, settings.nameClaim);
  const groups = groupsOf(claims[settings.rolesClaim]);
  const role = ROLES.find((candidate) => settings.roles[candidate].some((group) => groups.includes(group)));
  if (role === undefined) {
    throw forbidden(`${name} belongs to nothing in the claim ${settings.rolesClaim} that has a role here.`);
  }
  return { subject: `${String(claims['iss'])}#${String(claims['sub'])}`, name, role };
}

function nameOf(claims: Claims, claim: string): string {
  const name = claims[claim];
  if (typeof name !== 'string' || !NAME.test(name)) {
    throw forbidden(`The identity provider gives no usable name in the claim ${claim}.`);
  }
  // An address that nobody verified may be anybody's: whoever types it would act under that name.
  if (claim === 'email' && claims['email_verified'] !== true) {
    throw forbidden('The identity provider has not verified the email address.');
  }
  return name;
}

function groupsOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value];
}

function forbidden(detail: string): RequestProblem {
  return new RequestProblem('REQUEST-FORBIDDEN', detail);
}
