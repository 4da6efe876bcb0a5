import { testOnPostgres } from './on-postgres.ts';

testOnPostgres(1, 4);
