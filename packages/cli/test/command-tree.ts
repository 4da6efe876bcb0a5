import type { Command } from 'commander';
import { createProgram } from '../src/main.ts';

export interface Help {
  /** What is typed after `assay`; empty for the whole program. */
  readonly name: string;
  /** What `--help` prints. */
  readonly text: string;
  /** Whether it only groups others. */
  readonly isGroup: boolean;
}

/** The help of every command and group, as the program itself declares them. */
export function helpOfAll(command: Command = createProgram(), words: readonly string[] = []): readonly Help[] {
  let text = '';
  command.configureOutput({ writeOut: (part) => (text += part) }).outputHelp();
  const own = { name: words.join(' '), text, isGroup: command.commands.length > 0 };
  return [own, ...command.commands.flatMap((member) => helpOfAll(member, [...words, member.name()]))];
}
