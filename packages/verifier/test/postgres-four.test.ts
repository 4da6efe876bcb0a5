import { testOnPostgres } from './on-postgres.ts';

testOnPostgres(3, 4);
