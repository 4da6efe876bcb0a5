export { createDatabase } from './database.ts';
export { postgresAvailable, startPostgres, type Postgres } from './server.ts';
