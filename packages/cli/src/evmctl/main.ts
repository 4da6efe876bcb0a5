import { AssayError } from '@assay/core/errors';
import { errnoText } from '@assay/linux/errno';
import { certificateKeyId } from './certificate-key-id.ts';
import { COMMANDS } from './commands.ts';
import { getopt } from './getopt.ts';
import { Failure, Run } from './run.ts';
import { defaultSettings, isSet, OPTIONS, type OrderedKey } from './settings.ts';
import { commandHelp, commandUsage, usage } from './usage.ts';

/** The version of ima-evm-utils whose commands, options and exit codes these are. */
const VERSION = '1.6.2';
const PCR_FILES = 2;

/**
 * `evmctl` of ima-evm-utils, for scripts that call it.
 * @param words of the command line, behind the name of the program
 * @returns the exit code
 */
export async function evmctl(words: readonly string[]): Promise<number> {
  const run = new Run(defaultSettings());
  try {
    const operands = readOptions(run, words);
    return operands === undefined ? 0 : await startCommand(run, operands);
  } catch (error) {
    return ended(run, error);
  }
}

function ended(run: Run, error: unknown): number {
  if (error instanceof Failure) {
    if (error.message !== '') run.say(error.message);
    if (run.errno !== 0 && error.kind === 'command') run.say(`errno: ${errnoText(run.errno)} (${run.errno})`);
    return error.status;
  }
  if (!(error instanceof AssayError)) throw error;
  run.say(`${error.code}: ${error.message}`);
  return 125;
}

/** @returns what is no option; undefined where an option has said all. @throws Failure for wrong ones */
function readOptions(run: Run, words: readonly string[]): string[] | undefined {
  const operands: string[] = [];
  for (const found of getopt(words, OPTIONS)) {
    if (found.kind === 'wrong') throw new Failure(`evmctl: ${found.message}`, 1, 'options');
    if (found.kind === 'operand') operands.push(found.word);
    else {
      const { key, value } = found;
      if (!isSet(run.settings, key, value) && !readOption(run, key, value ?? '')) return undefined;
    }
  }
  return operands;
}

/** @returns false where there is nothing more to do */
function readOption(run: Run, key: OrderedKey, value: string): boolean {
  switch (key) {
    case 'help':
      run.out(usage());
      return false;
    case 'version':
      run.out(`evmctl ${VERSION}\n`);
      return false;
    case 'portable':
    case 'immutable':
      chooseForm(run, key);
      return true;
    case 'pcrs':
      addPcrFile(run, value);
      return true;
    case 'keyid':
      run.settings.keyId = keyIdIn(value);
      return true;
    case 'keyid-from-cert':
      run.settings.keyId = certificateKeyId(run, value, 'any');
      if (run.settings.keyId === undefined) throw new Failure('Error reading keyid.', 1, 'options');
      return true;
  }
}

function addPcrFile({ settings }: Run, file: string): void {
  if (settings.pcrFiles.length === PCR_FILES) throw new Failure('too many --pcrfile options', 1, 'options');
  settings.pcrFiles.push(file);
}

function chooseForm(run: Run, form: 'portable' | 'immutable'): void {
  const { settings } = run;
  if (settings.form === 'bound' || settings.form === form) settings.form = form;
  else run.say(`Portable and immutable options are exclusive, ignoring ${form} option.`);
}

function keyIdIn(text: string): number {
  const keyId = /^\s*(?:0x)?[0-9a-f]+$/i.test(text) ? Number.parseInt(text, 16) : 0;
  if (keyId > 0 && keyId <= 0xffff_ffff) return keyId;
  throw new Failure('Invalid keyid value.', 1, 'options');
}

async function startCommand(run: Run, [word, ...words]: readonly string[]): Promise<number> {
  if (word === undefined) {
    run.out(usage());
    return 0;
  }
  const name = word.toLowerCase();
  if (name === 'help') return help(run, words[0]);
  const command = COMMANDS.get(name);
  if (command === undefined) {
    run.out(`Invalid command: ${word}\n`);
    return 125;
  }
  if (words.length < command.needs || (await command.start(run, words)) === false) {
    run.say('Parameters missing');
    run.out(commandUsage(name));
    return 125;
  }
  return 0;
}

function help(run: Run, command: string | undefined): number {
  const text = command === undefined ? commandUsage('help') : commandHelp(command);
  run.out(text ?? `invalid command: ${command}\n`);
  return text === undefined ? 125 : 0;
}
