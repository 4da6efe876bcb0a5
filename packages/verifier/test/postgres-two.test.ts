import { testOnPostgres } from './on-postgres.ts';

testOnPostgres(2, 4);
