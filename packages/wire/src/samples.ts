/** One value of the text that Prometheus reads. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)(?: \d+)?$/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;

/** Reads the exposition format of Prometheus; lines that are no samples are passed over. */
export function samplesIn(text: string): Sample[] {
  return text.split('\n').flatMap((line) => {
    const [, name, labels = '', value] = LINE.exec(line) ?? [];
    if (name === undefined || value === undefined) return [];
    const pairs = Array.from(labels.matchAll(LABEL), ([, key = '', content = '']) => [key, content] as const);
    return [{ name, labels: Object.fromEntries(pairs), value: Number(value) }];
  });
}

/** The sum of all samples of a name whose labels are these. */
export function total(samples: readonly Sample[], name: string, labels: Readonly<Record<string, string>> = {}): number {
  const wanted = Object.entries(labels);
  return samples
    .filter((sample) => sample.name === name && wanted.every(([key, value]) => sample.labels[key] === value))
    .reduce((sum, { value }) => sum + value, 0);
}

/** Requests of one method and route since the start of the verifier: how many, refused and failed ones among them. */
export interface RequestCount {
  readonly route: string;
  readonly answered: number;
  readonly refused: number;
  readonly failed: number;
}

/** What the verifier was asked, the most often first. */
export function requestsIn(samples: readonly Sample[]): RequestCount[] {
  const counted = samples.filter(({ name }) => name === 'assay_http_requests_total');
  const byRoute = Map.groupBy(counted, ({ labels }) => `${labels['method']} ${labels['route']}`);
  return Array.from(byRoute, ([route, some]) => {
    const count = (status: string): number =>
      some.reduce((sum, { labels, value }) => sum + (labels['status']?.startsWith(status) === true ? value : 0), 0);
    return { route, answered: count(''), refused: count('4'), failed: count('5') };
  }).toSorted((a, b) => b.answered - a.answered);
}

/** What is asked for besides the API, as the metrics call it. */
const OTHERS: Readonly<Record<string, string>> = {
  'GET none': 'GET pages and unknown addresses',
  'GET /*': 'GET files of the pages',
};

/** The method and route of a count, for people. */
export function routeWords({ route }: Pick<RequestCount, 'route'>): string {
  return OTHERS[route] ?? route;
}
