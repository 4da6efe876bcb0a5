import { jsonText } from '../output/report.ts';
import { colours } from '../output/terminal.ts';
import { Console } from '../up/console.ts';
import type { Chapter } from './story.ts';

/** Where a story is told. */
export interface Told {
  tell(chapter: Chapter, text: string): void;
  section(title: string, lines: readonly string[]): void;
}

export function textOutput(): Told {
  const out = new Console();
  const colour = colours(1);
  const paint: Partial<Record<Chapter, (text: string) => string>> = {
    attack: colour.red,
    upgrade: colour.yellow,
    silence: colour.yellow,
    missing: colour.red,
  };
  return {
    tell: (chapter, text) => out.line(`${(paint[chapter] ?? colour.cyan)(chapter.padEnd(10))}${text}`),
    section: (title, lines) => out.section(title, lines),
  };
}

/** A JSON object on each line. */
export function linesOutput(): Told {
  const write = (line: object): void => {
    process.stdout.write(`${jsonText({ schema: 'assay.demo-fleet.v1', time: new Date().toISOString(), ...line })}\n`);
  };
  return {
    tell: (chapter, text) => write({ chapter, text }),
    section: (title, lines) => write({ chapter: title, text: lines.join('\n') }),
  };
}
