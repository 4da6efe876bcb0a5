import { testOnPostgres } from './on-postgres.ts';

testOnPostgres(0, 4);
