/** Paths of the HTTP API; `:id` is a host's id or name. */
export const ROUTES = {
  health: '/healthz',
  hosts: '/v1/hosts',
  host: '/v1/hosts/:id',
  measurements: '/v1/hosts/:id/measurements',
  captures: '/v1/hosts/:id/reference-captures',
  findings: '/v1/findings',
  events: '/v1/events',
  enrol: '/v1/agent/enrolments',
  activate: '/v1/agent/enrolments/:id/activation',
  challenge: '/v1/agent/challenges',
  evidence: '/v1/agent/evidence',
} as const;

/** Fills in `:id`. */
export function route(path: string, id: string): string {
  return path.replace(':id', encodeURIComponent(id));
}
