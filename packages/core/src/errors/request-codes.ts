import type { CodeText } from './code-text.ts';

/** The verifier refuses a request: the `code` of a problem (RFC 9457). */
export const REQUEST_CODES = {
  'REQUEST-MALFORMED': {
    meaning: 'The request is not HTTP, or its body is not JSON.',
    remedy: 'Send one JSON document to one of the routes of /openapi.json.',
  },
  'REQUEST-INVALID': {
    meaning: 'A member of the request is not of the form that the API gives it.',
    remedy: 'The detail names the member; /openapi.json describes all of them.',
  },
  'REQUEST-MEDIA-TYPE': {
    meaning: 'The body of the request is not declared as JSON.',
    remedy: 'Send it with the header Content-Type: application/json.',
  },
  'REQUEST-TOO-LARGE': {
    meaning: 'The body of the request is over the limit of its route.',
    remedy: 'Send a long measurement list in several messages, of whole entries each.',
  },
  'REQUEST-TOO-MANY': {
    meaning: 'More came than this route takes from one sender, or from all of them.',
    remedy: 'Wait for the seconds that the header Retry-After names; where there is none, do as the detail says.',
  },
  'REQUEST-FORBIDDEN': {
    meaning: 'Who asks may not do this: the role does not allow it, or it is for somebody else.',
    remedy:
      'Use a token of the role that the detail names, which `assay verifier token create` makes, or have it done.',
  },
  'REQUEST-UNAUTHENTICATED': {
    meaning: 'The request has no bearer token, or one that is not valid here.',
    remedy: 'Send the header Authorization: Bearer with the token that the route asks for.',
  },
  'REQUEST-ORIGIN': {
    meaning: 'A request that changes something carries the session of a person, and comes from a page of another site.',
    remedy: 'Programs use a bearer token instead; a foreign page here is how cross-site request forgery looks.',
  },
  'SIGN-IN-REFUSED': {
    meaning: 'The identity provider did not vouch for this sign-in, or its answer is not to what this browser began.',
    remedy:
      'Sign in again; if it repeats, compare the settings of `--sign-in` with those of the client at the provider.',
  },
  'SIGN-IN-UNAVAILABLE': {
    meaning: 'The identity provider cannot be reached, so nobody can sign in; sessions and tokens work on.',
    remedy:
      'Look whether the issuer of `--sign-in` answers from the machine of the verifier, or use a token meanwhile.',
  },
  'REQUEST-HOST': {
    meaning:
      'The Host header names neither this machine nor the public address, though the verifier listens on the loopback only.',
    remedy: 'Use http://127.0.0.1 or the publicUrl of `--sign-in`; a foreign name here is how DNS rebinding looks.',
  },
  'REQUEST-NOT-FOUND': {
    meaning: 'There is no such route, or no such host.',
    remedy: '`assay hosts get` lists the hosts, /openapi.json the routes.',
  },
  'ENROLMENT-UNKNOWN': {
    meaning: 'The enrolment does not exist, has expired, or was answered before.',
    remedy: 'Begin the enrolment again.',
  },
  'ENROLMENT-SECRET': {
    meaning: 'The answer is not the secret of the credential, so the two keys are not proved to be in one TPM.',
    remedy: 'Begin the enrolment again; if it repeats, the attestation key is not in the TPM of the endorsement key.',
  },
  'ENROLMENT-WAITS': {
    meaning: 'The enrolment waits until somebody decides about it.',
    remedy:
      '`assay enrolments list` shows it, `assay enrolments approve` lets the machine in; its agent asks again by itself.',
  },
  'ENROLMENT-REFUSED': {
    meaning: 'Somebody refused this machine under this name.',
    remedy:
      'If that was wrong, `assay enrolments approve` lets it in; `assay enrolments list --only refused` names it.',
  },
  'KEY-CERTIFIED': {
    meaning: 'The attestation key of the host is the one that its cloud put into its TPM, and cannot be renewed.',
    remedy:
      'Nothing is to be done: such a key ends with the virtual machine. To have another, enrol with one of its own.',
  },
  'ENROLMENT-OVER': {
    meaning: 'The machine of this enrolment is a host already, so nothing is left to decide.',
    remedy: 'To take it back, remove the host: `assay hosts remove`.',
  },
  'CERT-MISSING': {
    meaning: 'The connection shows no certificate of the host, which this verifier wants beside its token.',
    remedy: 'The agent gets one by itself; a proxy that ends TLS before the verifier does not pass it on.',
  },
  'CERT-HOST': {
    meaning: 'The certificate of the connection and the token of the request are of two hosts.',
    remedy:
      'Each host has a token and a certificate of its own; if nobody mixed them up, somebody has the token of another.',
  },
  'EVIDENCE-MISSING': {
    meaning: 'The host has sent no evidence that verified, so it has no list to capture.',
    remedy: 'Wait for its first evidence, or look at its findings.',
  },
  'FINDING-SHOWN': {
    meaning: 'The finding cannot be resolved: the evidence still shows it.',
    remedy: 'The detail says what ends it; until then `assay findings acknowledge` keeps it from alerting again.',
  },
  'FINDING-CLOSED': {
    meaning: 'The finding is over already.',
    remedy: 'Nothing is to be done; `assay findings show` says when it ended, and whether somebody ended it.',
  },
  'POLICY-ASSIGNED': {
    meaning: 'The host is judged by a policy, so nothing can be captured for it alone.',
    remedy: 'Propose a new version of the policy, for instance by `assay findings approve`, and have it activated.',
  },
  'POLICY-MANAGED': {
    meaning: 'The policy comes from a directory or repository (`--policies-from`), so the API does not change it.',
    remedy: 'Change it there, as the detail says; `assay policies simulate NAME --candidate FILE` tries it first.',
  },
  'POLICY-UNSIGNED': {
    meaning: 'A version is to come into force that fewer trusted keys signed than this verifier wants, or none.',
    remedy:
      'Have it signed by `assay reference sign` with as many of the keys that the verifier was given, and push that.',
  },
  'VERIFIER-LATE': {
    meaning: 'The verifier does not do its periodic work in time, or its store does not answer.',
    remedy:
      'Until it is in time again, verdicts are older than they look: look at its load, its disk and its database.',
  },
  'STORE-UNAVAILABLE': {
    meaning: 'The store of the verifier does not answer, or is full or locked: nothing is read, and nothing is taken.',
    remedy:
      'Look at the database, its disk and the way to it. Agents try again by themselves, and nothing that was answered is lost.',
  },
  'VERIFIER-STOPPING': {
    meaning: 'The verifier is being stopped and begins nothing new.',
    remedy: 'Try again in a moment: it may be started again, or another verifier of the same store answers.',
  },
  'VERIFIER-ERROR': {
    meaning: 'The verifier failed while it answered. Nothing says that the request is wrong.',
    remedy: 'Look into the log of the verifier, and report what stands there.',
  },
} as const satisfies Record<string, CodeText>;

export type RequestCode = keyof typeof REQUEST_CODES;
