/** The fields of a package, by their names. */
export type Stanza = ReadonlyMap<string, string>;

/** Stanzas of a control file (deb822(5)), as apt-cache prints them; continued lines are joined by newlines. */
export function parseStanzas(text: string): Stanza[] {
  const paragraphs = text.split(/\n{2,}/).filter((paragraph) => paragraph.trim() !== '');
  return paragraphs.map((paragraph) => {
    const fields = paragraph.replaceAll(/\n[ \t]/g, '\u0000').split('\n');
    return new Map(fields.map(fieldOf));
  });
}

function fieldOf(line: string): [string, string] {
  const colon = line.indexOf(':');
  return [
    line.slice(0, colon),
    line
      .slice(colon + 1)
      .trim()
      .replaceAll('\u0000', '\n'),
  ];
}

/** The names of the packages on which one depends; of alternatives the first. */
export function dependencies(stanza: Stanza): string[] {
  const terms = (stanza.get('Depends') ?? '').split(',');
  return terms.flatMap((term) => /^\s*([a-z0-9][a-z0-9+.-]+)/.exec(term)?.[1] ?? []);
}
