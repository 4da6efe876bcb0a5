/** A browser as far as signing in needs one: cookies by origin, redirects, and the forms of the provider. */
export class Browser {
  /** What it shows now. */
  page = '';
  readonly #cookies = new Map<string, Map<string, string>>();

  async fetch(address: string, init: RequestInit = {}): Promise<Response> {
    const url = new URL(address);
    const jar = this.#cookies.get(url.host) ?? new Map<string, string>();
    this.#cookies.set(url.host, jar);
    const headers = new Headers(init.headers);
    headers.set('cookie', [...jar].map(([name, value]) => `${name}=${value}`).join('; '));
    const response = await fetch(url, { ...init, headers, redirect: 'manual' });
    for (const line of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (name === undefined || value === undefined) continue;
      if (value === '') jar.delete(name);
      else jar.set(name, value);
    }
    return response;
  }

  cookie(address: string, name: string): string | undefined {
    return this.#cookies.get(new URL(address).host)?.get(name);
  }

  setCookie(address: string, name: string, value: string): void {
    this.#cookies.get(new URL(address).host)?.set(name, value);
  }

  /** Follows redirects, and fills in the forms of the provider: who somebody is, and whether that may be told. */
  async signIn(address: string, account: string): Promise<Response> {
    let { url, response } = await this.#followed(address);
    for (;;) {
      const [, action] = /<form[^>]+action="([^"]+)"/.exec(this.page) ?? [];
      if (action === undefined) return response;
      const hidden = [...this.page.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)];
      const fields = hidden.map(([, name = '', value = '']): [string, string] => [name, value]);
      const body = new URLSearchParams([...fields, ['login', account], ['password', 'any']]);
      const answer = await this.fetch(new URL(action, url).href, { method: 'POST', body });
      const next = new URL(answer.headers.get('location') ?? '', action).href;
      ({ url, response } = await this.#followed(next));
    }
  }

  async #followed(address: string): Promise<{ url: string; response: Response }> {
    let url = address;
    for (let hops = 0; hops < 20; hops++) {
      const response = await this.fetch(url);
      const next = response.headers.get('location');
      if (next === null) {
        this.page = await response.text();
        return { url, response };
      }
      url = new URL(next, url).href;
    }
    throw new Error(`${address} leads nowhere`);
  }
}
