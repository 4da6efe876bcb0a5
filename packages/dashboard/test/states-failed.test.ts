import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { browserMissing } from './browser.ts';
import { verifierOptions } from './fleet.ts';
import { askAgain, ASKING, assertLooks, openLive, problemIn } from './states.ts';
import { busyVerifier } from './visits.ts';

const options = { skip: browserMissing };
const BROKEN = 'broken_';

/** Gives every table another name, so that the verifier cannot do what it is asked. @returns what gives them theirs back */
function breakStore(file: string): () => void {
  const rename = (to: (table: string) => string): void => {
    const database = new DatabaseSync(file, { timeout: 60_000 });
    const tables = database.prepare("select name from sqlite_master where type = 'table' and name not like 'sqlite_%'");
    for (const { name } of tables.all()) database.exec(`alter table "${String(name)}" rename to "${to(String(name))}"`);
    database.close();
  };
  rename((table) => BROKEN + table);
  return () => rename((table) => table.slice(BROKEN.length));
}

test('every page says that the verifier failed, and asks again when somebody says so', options, async (t) => {
  const settings = verifierOptions(t);
  const verifier = await busyVerifier(t, settings);
  const page = await openLive(t, verifier);
  for (const shown of ASKING) {
    const mend = breakStore(settings.store.slice('sqlite:'.length));
    await page.goto(verifier.url + shown.path);
    await problemIn(page).getByText('The reason is in the log of the verifier.').waitFor();
    await assertLooks(page, `${shown.name}-failed`);
    mend();
    await askAgain(page, shown);
  }
});
