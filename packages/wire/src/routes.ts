/** Paths of the HTTP API; `:id` is a host's id or name. */
export const ROUTES = {
  health: '/healthz',
  ready: '/readyz',
  metrics: '/metrics',
  hosts: '/v1/hosts',
  host: '/v1/hosts/:id',
  measurements: '/v1/hosts/:id/measurements',
  captures: '/v1/hosts/:id/reference-captures',
  result: '/v1/hosts/:id/result',
  findings: '/v1/findings',
  finding: '/v1/findings/:id',
  findingAcknowledgement: '/v1/findings/:id/acknowledgement',
  findingResolution: '/v1/findings/:id/resolution',
  findingApproval: '/v1/findings/:id/approval',
  policies: '/v1/policies',
  policy: '/v1/policies/:id',
  policyActivation: '/v1/policies/:id/activation',
  policySimulation: '/v1/policies/:id/simulation',
  digest: '/v1/digests/:digest',
  events: '/v1/events',
  alerts: '/v1/alerts',
  deliveries: '/v1/alert-deliveries',
  tokens: '/v1/tokens',
  tokenRevocation: '/v1/tokens/:id/revocation',
  audit: '/v1/audit',
  whoAmI: '/v1/who-am-i',
  signIn: '/v1/sign-in',
  signInCallback: '/v1/sign-in/callback',
  signOut: '/v1/sign-out',
  sessions: '/v1/sessions',
  sessionEnd: '/v1/sessions/:id/end',
  enrol: '/v1/agent/enrolments',
  activate: '/v1/agent/enrolments/:id/activation',
  challenge: '/v1/agent/challenges',
  evidence: '/v1/agent/evidence',
  agentResult: '/v1/agent/result',
  resultKeys: '/.well-known/jwks.json',
} as const;

/** Fills in the one parameter of a path. */
export function route(path: string, value: string): string {
  return path.replace(/:\w+/, () => encodeURIComponent(value));
}
