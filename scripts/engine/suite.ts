import {
  together,
  type Agreement,
  type Files,
  type GuestAnswer,
  type SecondSuite,
  type Suite,
} from '@assay/testkit/suites';

/** What the guests of a suite did, done once more beside the engine. */
export interface EngineSuite extends SecondSuite {
  /** What the engine leaves of it, in the place of a kernel. */
  ask(answer: GuestAnswer): Promise<Files>;
  compare(answer: GuestAnswer, found: Files): Agreement;
}

type Parts = Pick<EngineSuite, 'name' | 'title' | 'ask' | 'compare'> & { readonly asks: Suite };

export function engineSuite({ name, title, asks, ask, compare }: Parts): EngineSuite {
  const judge = async (answers: readonly GuestAnswer[]): Promise<Agreement> => {
    const all: Agreement[] = [];
    for (const answer of answers) all.push(compare(answer, await ask(answer)));
    return together(all);
  };
  return { name, title, asks, ask, compare, judge };
}
