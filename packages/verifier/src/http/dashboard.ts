import fastifyStatic from '@fastify/static';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { RequestProblem } from '../problem.ts';
import type { App } from './instance.ts';
import { sendProblem } from './errors.ts';

const NOT_BUILT = `The Assay verifier runs; its web page is not built.
Build it with:  npm run build:dashboard
The API is described at /openapi.json; the hosts are at /v1/hosts.
`;

/** Serves the page at every path that is not the API's, since the page has paths of its own (`/hosts/web-03`). */
export async function serveDashboard(app: App, directory: string | undefined): Promise<void> {
  if (directory === undefined) {
    app.get('/', { schema: { hide: true } }, (_request, reply) =>
      reply.type('text/plain; charset=utf-8').send(NOT_BUILT),
    );
  } else {
    await app.register(fastifyStatic, { root: directory, cacheControl: false, setHeaders: setCaching });
  }
  app.setNotFoundHandler((request, reply) => {
    if (directory !== undefined && isPage(request)) return reply.sendFile('index.html');
    return sendProblem(
      reply,
      new RequestProblem('REQUEST-NOT-FOUND', `There is no ${request.method} ${pathOf(request).slice(0, 200)}.`),
    );
  });
}

/** Vite puts a digest of the content into the names under /assets/; everything else may change at any time. */
function setCaching(reply: FastifyReply, path: string): void {
  reply.header('cache-control', path.includes('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache');
}

function isPage(request: FastifyRequest): boolean {
  const path = pathOf(request);
  const accept = request.headers.accept ?? '';
  return request.method === 'GET' && accept.includes('text/html') && !/^\/(v1|assets)\//.test(path);
}

function pathOf(request: FastifyRequest): string {
  return request.url.split('?', 1)[0] ?? '';
}
