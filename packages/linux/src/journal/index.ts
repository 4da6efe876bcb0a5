export { encodeJournal, openJournal, type Journal, type JournalField } from './journal.ts';
