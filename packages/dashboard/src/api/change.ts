import { queryClient } from './live.ts';
import { requestDocument } from './documents.ts';

/**
 * Changes something at the verifier, and has what is shown of it read again.
 *
 * @param touched the first words of the keys of queries that it makes old
 * @throws {ApiProblem} The verifier refused.
 * @throws {TypeError} The verifier cannot be reached.
 */
export async function change<Document extends { schema: string }>(
  path: string,
  schema: Document['schema'],
  { body = {}, method = 'POST', touched }: { body?: object; method?: 'POST' | 'DELETE'; touched: readonly string[] },
): Promise<Document> {
  const content = { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  const document = await requestDocument<Document>(path, schema, { method, ...content });
  for (const key of touched) void queryClient.invalidateQueries({ queryKey: [key] });
  return document;
}
