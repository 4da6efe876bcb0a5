import {
  PolicyActivation,
  PolicyList,
  PolicyPush,
  PolicyReply,
  PolicySimulation,
  PolicyText,
  ROUTES,
} from '@assay/wire';
import { z } from 'zod';
import type { Context } from '../../context.ts';
import { activatePolicy } from '../../policies/activate.ts';
import { listPolicies, versionOnWire } from '../../policies/list.ts';
import { pushPolicy, type PolicyTrust } from '../../policies/push.ts';
import { simulatePolicy } from '../../policies/simulate.ts';
import { RequestProblem } from '../../problem.ts';
import { policiesInForce, policyOf } from '../../store/policies.ts';
import type { PolicyRow } from '../../store/schema.ts';
import { principalOf } from '../access.ts';
import { requireJson } from '../guards.ts';
import type { App } from '../instance.ts';
import { BEARER, PROBLEMS } from '../schemas.ts';

/** Reference values of a distribution's packages. */
const BODY_LIMIT = 256 * 1024 * 1024;
const RATE = { max: 120, timeWindow: 60_000 };
const Name = z.object({ id: z.string().min(1).max(64) });
const VersionQuery = z.strictObject({ version: z.coerce.number().int().min(1) });

/** Reference values that others than the verifier make: pushed, looked at, tried, and brought into force. */
export function policyRoutes(app: App, context: Context, trust: PolicyTrust): void {
  readRoutes(app, context);
  app.post(
    ROUTES.policies,
    {
      onRequest: [requireJson],
      bodyLimit: BODY_LIMIT,
      config: { rateLimit: RATE },
      schema: {
        summary: 'Store a version of reference values; it does not come into force',
        tags: ['policies'],
        security: BEARER,
        body: PolicyPush,
        response: { 201: PolicyReply, ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const row = await pushPolicy(context, principalOf(request), request.body.document, trust);
      return reply.code(201).send(await replyOf(context, row));
    },
  );
  app.post(
    ROUTES.policyActivation,
    {
      onRequest: [requireJson],
      config: { rateLimit: RATE },
      schema: {
        summary: 'Bring a version into force',
        tags: ['policies'],
        security: BEARER,
        params: Name,
        body: PolicyActivation,
        response: { 200: PolicyReply, ...PROBLEMS },
      },
    },
    async (request) => {
      const row = await activatePolicy(context, principalOf(request), request.params.id, request.body, trust);
      return replyOf(context, row);
    },
  );
}

function readRoutes(app: App, context: Context): void {
  const { database } = context;
  app.get(
    ROUTES.policySimulation,
    {
      schema: {
        summary: 'What a version would make of the present boots',
        tags: ['policies'],
        params: Name,
        querystring: VersionQuery,
        response: { 200: PolicySimulation, ...PROBLEMS },
      },
    },
    async ({ params, query }) => {
      await versionNamed(context, params.id, query.version);
      return database.transaction().execute((db) => simulatePolicy(db, context, params.id, query.version));
    },
  );
  app.get(
    ROUTES.policies,
    {
      schema: {
        summary: 'All versions of all policies',
        tags: ['policies'],
        response: { 200: PolicyList, ...PROBLEMS },
      },
    },
    () => listPolicies(database),
  );
  app.get(
    ROUTES.policy,
    {
      schema: {
        summary: 'A version of a policy, with its canonical text',
        tags: ['policies'],
        params: Name,
        querystring: VersionQuery,
        response: { 200: PolicyText, ...PROBLEMS },
      },
    },
    async ({ params, query }) => {
      const row = await versionNamed(context, params.id, query.version);
      const { policy } = await replyOf(context, row);
      const document = new TextDecoder().decode(row.document);
      return { schema: 'assay.policy-document.v1' as const, policy, document };
    },
  );
}

async function versionNamed({ database }: Context, name: string, version: number): Promise<PolicyRow> {
  const row = await policyOf(database, name, version);
  if (row !== undefined) return row;
  throw new RequestProblem('REQUEST-NOT-FOUND', `There is no version ${version} of ${name}.`);
}

async function replyOf({ database }: Context, row: PolicyRow): Promise<PolicyReply> {
  const inForce = (await policiesInForce(database)).find(({ name }) => name === row.name);
  return { schema: 'assay.policy.v1', policy: versionOnWire(row, inForce) };
}
