import { canonicalJson, utf8 } from '@assay/core/bytes';
import { emptyReference, parseReference, type Pool, type ReferenceDocument } from '@assay/core/reference';
import {
  AccessToken,
  EnrolmentDocument,
  FindingApproval,
  FindingList,
  PolicyList,
  PolicyReply,
  PolicyText,
  route,
  ROUTES,
  TokenReply,
  type ApiClient,
  type Finding,
  type Role,
} from '@assay/wire';
import { withPools } from '../reference/assemble.ts';

/** The proposer's and the approver's names, as they stand in the audit log. */
export const PROPOSER = 'olga';
export const APPROVER = 'arno';

const POOL_OF_APPROVALS = 'approved';
const PAGE = { limit: '1000' };
const A_DAY = 86_400;

/** The two people of a demo, each with a token of their own: who proposes does not approve. */
export class People {
  readonly #admin: ApiClient;
  readonly #proposer: ApiClient;
  readonly #approver: ApiClient;
  readonly #tokens: readonly string[];

  private constructor(admin: ApiClient, [proposer, approver]: readonly [TokenReply, TokenReply]) {
    this.#admin = admin;
    this.#proposer = admin.withToken(proposer.secret);
    this.#approver = admin.withToken(approver.secret);
    this.#tokens = [proposer.token.id, approver.token.id];
  }

  /** @throws ProblemError REQUEST-FORBIDDEN unless the client is an admin's */
  static async hire(admin: ApiClient): Promise<People> {
    const token = (name: string, role: Role): Promise<TokenReply> =>
      admin.call(ROUTES.tokens, TokenReply, { body: { name, role, lifetimeSeconds: A_DAY } });
    return new People(admin, [await token(PROPOSER, 'operator'), await token(APPROVER, 'approver')]);
  }

  /** Their tokens end. */
  async dismiss(): Promise<void> {
    for (const id of this.#tokens) await this.#admin.call(route(ROUTES.tokenRevocation, id), AccessToken, { body: {} });
  }

  async admit(enrolments: readonly string[]): Promise<void> {
    for (const id of enrolments) {
      await this.#approver.call(route(ROUTES.enrolmentApproval, id), EnrolmentDocument, { body: {} });
    }
  }

  /** Pushes the next version of a policy, which has these pools. @returns its number */
  async propose(name: string, pools: readonly Pool[]): Promise<number> {
    const version = (await this.#newest(name)) + 1;
    return this.#push(withPools(emptyReference(name, version, new Date().toISOString()), pools));
  }

  /** Replaces what was approved by hand by the packages that it came in. @returns the number of the version */
  async tidy(name: string, pools: readonly Pool[]): Promise<number> {
    const query = { version: String(await this.#newest(name)) };
    const { document: text } = await this.#proposer.call(route(ROUTES.policy, name), PolicyText, { query });
    const { document } = parseReference(utf8(text));
    const kept = { ...document, pools: document.pools.filter(({ id }) => id !== POOL_OF_APPROVALS) };
    const next = { ...kept, version: document.version + 1, created: new Date().toISOString() };
    return this.#push(withPools(next, pools));
  }

  async activate(name: string, version: number, hosts: readonly string[] = []): Promise<void> {
    const body = { version, hosts: [...hosts] };
    await this.#approver.call(route(ROUTES.policyActivation, name), PolicyReply, { body });
  }

  /** Open findings of these hosts about these digests. */
  async findings(hosts: ReadonlySet<string>, digests: ReadonlySet<string>): Promise<Finding[]> {
    const { findings } = await this.#proposer.call(ROUTES.findings, FindingList, { query: { ...PAGE, open: 'true' } });
    return findings.filter(({ host, evidence }) => hosts.has(host.name) && digests.has(evidence.digest ?? ''));
  }

  /** Proposes what one finding for each digest is about. @returns the newest version of each policy by its name */
  async approve(findings: readonly Finding[]): Promise<Map<string, number>> {
    const versions = new Map<string, number>();
    const byDigest = new Map(findings.map((finding) => [finding.evidence.digest, finding]));
    for (const { id } of byDigest.values()) {
      const path = route(ROUTES.findingApproval, id);
      const { policy } = await this.#proposer.call(path, FindingApproval, { body: {} });
      versions.set(policy.name, policy.version);
    }
    return versions;
  }

  async #push(document: ReferenceDocument): Promise<number> {
    const body = { document: canonicalJson(document) };
    const { policy } = await this.#proposer.call(ROUTES.policies, PolicyReply, { body });
    return policy.version;
  }

  async #newest(name: string): Promise<number> {
    const { policies } = await this.#proposer.call(ROUTES.policies, PolicyList);
    return Math.max(0, ...policies.filter((each) => each.name === name).map(({ version }) => version));
  }
}
