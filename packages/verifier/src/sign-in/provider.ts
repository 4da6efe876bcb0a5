import {
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  buildEndSessionUrl,
  calculatePKCECodeChallenge,
  ClientError,
  discovery,
  enableNonRepudiationChecks,
  fetchUserInfo,
  randomNonce,
  randomPKCECodeVerifier,
  randomState,
  ResponseBodyError,
  type Configuration,
} from 'openid-client';
import { ROUTES } from '@assay/wire';
import { z } from 'zod';
import { RequestProblem } from '../problem.ts';
import { identityOf, type Identity } from './identity.ts';
import { isLoopbackUrl, type SignInSettings } from './settings.ts';

/** What a browser keeps between its departure to the identity provider and its return. */
export const Flow = z.strictObject({
  state: z.string().min(16).max(128),
  nonce: z.string().min(16).max(128),
  verifier: z.string().min(43).max(128),
  returnTo: z.string().max(1024),
});
export type Flow = z.infer<typeof Flow>;

const TIMEOUT_SECONDS = 20;

/** The identity provider, found when the first person signs in: the verifier starts without it, too. */
export class Provider {
  readonly settings: SignInSettings;
  readonly #callback: string;
  #configuration: Promise<Configuration> | undefined;

  constructor(settings: SignInSettings) {
    this.settings = settings;
    this.#callback = new URL(ROUTES.signInCallback, settings.publicUrl).href;
  }

  /** @throws RequestProblem SIGN-IN-UNAVAILABLE */
  async begin(returnTo: string): Promise<{ url: string; flow: Flow }> {
    const flow = { state: randomState(), nonce: randomNonce(), verifier: randomPKCECodeVerifier(), returnTo };
    const configuration = await this.#discovered();
    const url = buildAuthorizationUrl(configuration, {
      redirect_uri: this.#callback,
      scope: ['openid', ...this.settings.scopes].join(' '),
      state: flow.state,
      nonce: flow.nonce,
      code_challenge: await calculatePKCECodeChallenge(flow.verifier),
      code_challenge_method: 'S256',
    });
    return { url: url.href, flow };
  }

  /**
   * @param query of the address to which the provider sent the browser back, from its `?` on
   * @throws RequestProblem SIGN-IN-REFUSED, SIGN-IN-UNAVAILABLE, REQUEST-FORBIDDEN
   */
  async finish(query: string, { state, nonce, verifier }: Flow): Promise<Identity> {
    const configuration = await this.#discovered();
    const checks = { expectedState: state, expectedNonce: nonce, pkceCodeVerifier: verifier, idTokenExpected: true };
    return identityOf(await this.#claims(configuration, new URL(query, this.#callback), checks), this.settings);
  }

  async #claims(
    configuration: Configuration,
    url: URL,
    checks: NonNullable<Parameters<typeof authorizationCodeGrant>[2]>,
  ): Promise<Readonly<Record<string, unknown>>> {
    try {
      const tokens = await authorizationCodeGrant(configuration, url, checks);
      const claims = tokens.claims();
      if (claims === undefined) throw new RequestProblem('SIGN-IN-REFUSED', 'The identity provider gave no ID token.');
      const { nameClaim, rolesClaim } = this.settings;
      const complete = nameClaim in claims && rolesClaim in claims;
      if (complete || configuration.serverMetadata().userinfo_endpoint === undefined) return claims;
      // Claims of scopes are at the UserInfo endpoint where a code was used (OpenID Connect Core 1.0, section 5.4).
      return { ...(await fetchUserInfo(configuration, tokens.access_token, claims.sub)), ...claims };
    } catch (error) {
      throw problemOf(error);
    }
  }

  /** Where the provider ends its own session; null where it has no such address. */
  async signOutUrl(): Promise<string | null> {
    const configuration = await this.#discovered().catch(() => undefined);
    if (configuration?.serverMetadata().end_session_endpoint === undefined) return null;
    return buildEndSessionUrl(configuration, { post_logout_redirect_uri: new URL('/', this.#callback).href }).href;
  }

  async #discovered(): Promise<Configuration> {
    this.#configuration ??= this.#discover();
    try {
      return await this.#configuration;
    } catch (error) {
      this.#configuration = undefined; // The next person asks again.
      throw problemOf(error);
    }
  }

  #discover(): Promise<Configuration> {
    const { issuer, clientId, clientSecret } = this.settings;
    const url = new URL(issuer);
    // The signature of ID tokens is checked although they come by TLS from the provider itself.
    const execute = [enableNonRepudiationChecks];
    // oxlint-disable-next-line typescript/no-deprecated -- deprecated only to stand out: a provider on the loopback has no TLS.
    if (url.protocol === 'http:' && isLoopbackUrl(url)) execute.push(allowInsecureRequests);
    return discovery(url, clientId, clientSecret, undefined, { execute, timeout: TIMEOUT_SECONDS });
  }
}

function problemOf(error: unknown): RequestProblem {
  if (error instanceof RequestProblem) return error;
  const reason = error instanceof Error ? error.message : String(error);
  const code = isOutage(error) ? 'SIGN-IN-UNAVAILABLE' : 'SIGN-IN-REFUSED';
  return new RequestProblem(code, `The identity provider: ${reason.slice(0, 300)}`, { cause: error });
}

/** Nothing was decided: no connection, no answer in time, or an error of the provider's own. */
function isOutage(error: unknown): boolean {
  if (error instanceof ResponseBodyError) return error.status >= 500;
  if (error instanceof ClientError) {
    const { code, cause } = error;
    return code === 'OAUTH_TIMEOUT' || (cause instanceof Response && cause.status !== 200) || isOutage(cause);
  }
  return error instanceof TypeError || (error instanceof DOMException && error.name === 'TimeoutError');
}
