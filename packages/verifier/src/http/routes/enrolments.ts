import {
  EnrolmentDecision,
  EnrolmentDocument,
  EnrolmentId,
  EnrolmentList,
  EnrolmentState,
  HostRemoval,
  KeyRenewal,
  RegisteredKeyList,
  RegisterKeysRequest,
  ROUTES,
} from '@assay/wire';
import { z } from 'zod';
import type { Context } from '../../context.ts';
import { decide } from '../../enrolment/decide.ts';
import { enrolmentOnWire } from '../../enrolment/on-wire.ts';
import { register, registeredKeyOnWire, unregister } from '../../enrolment/register-keys.ts';
import { askForNewKey } from '../../hosts/key-renewal.ts';
import { removeHost } from '../../hosts/remove.ts';
import { RequestProblem } from '../../problem.ts';
import { admissionBySeq, admissionsOf } from '../../store/admissions.ts';
import { registeredKeysAfter } from '../../store/registered-keys.ts';
import { principalOf } from '../access.ts';
import { requireJson } from '../guards.ts';
import { hostNamed } from '../hosts.ts';
import type { App } from '../instance.ts';
import { numberCursor, pageOf, PAGING } from '../paging.ts';
import { BEARER, HostParams, PROBLEMS } from '../schemas.ts';

/** Per minute and address. */
const RATE = { max: 120, timeWindow: 60_000 };

/** A thousand keys, each by its certificate. */
const BODY_LIMIT = 8 * 1024 * 1024;

const TAGS = ['enrolment'];
const EnrolmentParams = z.object({ id: EnrolmentId });
const KeyParams = z.object({ id: z.string().regex(/^sha256:[0-9a-f]{64}$/) });

/** Who becomes a host, and who is one no longer. */
export function enrolmentRoutes(app: App, context: Context): void {
  readRoutes(app, context);
  decisionRoute(app, context, 'approved');
  decisionRoute(app, context, 'refused');
  registeredKeyRoutes(app, context);
  keyRenewalRoute(app, context);
  app.post(
    ROUTES.hostRemoval,
    {
      onRequest: [requireJson],
      config: { rateLimit: RATE },
      schema: {
        summary: 'Remove a host and all that is known of it',
        tags: TAGS,
        security: BEARER,
        params: HostParams,
        body: z.strictObject({}),
        response: { 200: HostRemoval, ...PROBLEMS },
      },
    },
    async (request) => {
      const host = await hostNamed(context.database, request.params.id);
      await removeHost(context, principalOf(request), host);
      return { schema: 'assay.host-removal.v1' as const, host: { id: host.id, name: host.name } };
    },
  );
}

function keyRenewalRoute(app: App, context: Context): void {
  app.post(
    ROUTES.keyRenewal,
    {
      onRequest: [requireJson],
      config: { rateLimit: RATE },
      schema: {
        summary: 'Ask a host for another attestation key; it proves that key by itself',
        tags: TAGS,
        security: BEARER,
        params: HostParams,
        body: z.strictObject({}),
        response: { 202: KeyRenewal, ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const host = await hostNamed(context.database, request.params.id);
      return reply.code(202).send(await askForNewKey(context, principalOf(request), host));
    },
  );
}

function readRoutes(app: App, { database }: Context): void {
  app.get(
    ROUTES.enrolments,
    {
      schema: {
        summary: 'Machines that waited or wait for a decision, the newest first',
        tags: TAGS,
        querystring: z.strictObject({ ...PAGING, state: EnrolmentState.optional() }),
        response: { 200: EnrolmentList, ...PROBLEMS },
      },
    },
    async ({ query: { limit, cursor, state } }) => {
      const rows = await admissionsOf(database, { limit: limit + 1, state, after: numberCursor(cursor) });
      const { page, next } = pageOf(rows, limit, ({ seq }) => seq);
      return { schema: 'assay.enrolments.v1' as const, enrolments: page.map(enrolmentOnWire), next };
    },
  );
  app.get(
    ROUTES.enrolment,
    {
      schema: {
        summary: 'One of them',
        tags: TAGS,
        params: EnrolmentParams,
        response: { 200: EnrolmentDocument, ...PROBLEMS },
      },
    },
    async ({ params: { id } }) => {
      const row = await admissionBySeq(database, seqIn(id));
      if (row === undefined) throw new RequestProblem('REQUEST-NOT-FOUND', `No enrolment has the id ${id}.`);
      return { schema: 'assay.enrolment.v1' as const, enrolment: enrolmentOnWire(row) };
    },
  );
}

function decisionRoute(app: App, context: Context, state: 'approved' | 'refused'): void {
  app.post(
    state === 'approved' ? ROUTES.enrolmentApproval : ROUTES.enrolmentRefusal,
    {
      onRequest: [requireJson],
      config: { rateLimit: RATE },
      schema: {
        summary:
          state === 'approved'
            ? 'Let a machine in; it becomes a host when its agent asks the next time'
            : 'Refuse a machine, until somebody approves it',
        tags: TAGS,
        security: BEARER,
        params: EnrolmentParams,
        body: EnrolmentDecision,
        response: { 200: EnrolmentDocument, ...PROBLEMS },
      },
    },
    async (request) => {
      const { params, body } = request;
      const enrolment = await decide(context, principalOf(request), seqIn(params.id), state, body);
      return { schema: 'assay.enrolment.v1' as const, enrolment };
    },
  );
}

function registeredKeyRoutes(app: App, context: Context): void {
  app.get(
    ROUTES.registeredKeys,
    {
      schema: {
        summary: 'Endorsement keys that somebody vouches for, by their digests',
        tags: TAGS,
        querystring: z.strictObject(PAGING),
        response: { 200: RegisteredKeyList, ...PROBLEMS },
      },
    },
    async ({ query: { limit, cursor } }) => {
      const rows = await registeredKeysAfter(context.database, cursor, limit + 1);
      const { page, next } = pageOf(rows, limit, ({ digest }) => digest);
      return { schema: 'assay.registered-keys.v1' as const, keys: page.map(registeredKeyOnWire), next };
    },
  );
  app.post(
    ROUTES.registeredKeys,
    {
      onRequest: [requireJson],
      bodyLimit: BODY_LIMIT,
      config: { rateLimit: RATE },
      schema: {
        summary: 'Vouch for endorsement keys: their machines enrol without a join token and a decision',
        tags: TAGS,
        security: BEARER,
        body: RegisterKeysRequest,
        response: { 201: RegisteredKeyList, ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const keys = await register(context, principalOf(request), request.body);
      return reply.code(201).send({ schema: 'assay.registered-keys.v1' as const, keys, next: null });
    },
  );
  app.post(
    ROUTES.registeredKeyRemoval,
    {
      onRequest: [requireJson],
      config: { rateLimit: RATE },
      schema: {
        summary: 'Vouch for a key no longer; a host that came with it stays',
        tags: TAGS,
        security: BEARER,
        params: KeyParams,
        body: z.strictObject({}),
        response: { 200: RegisteredKeyList, ...PROBLEMS },
      },
    },
    async (request) => {
      const key = await unregister(context, principalOf(request), request.params.id);
      return { schema: 'assay.registered-keys.v1' as const, keys: [key], next: null };
    },
  );
}

function seqIn(id: string): number {
  return Number(id.slice('E-'.length));
}
