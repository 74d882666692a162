import { SEARCH_PATH } from '../../../migrations/runner.ts';

/** The migrated database that every test database is cloned from. */
export const TEMPLATE = 'holdfast_template';

/** Options of a connection as another role than the service's, which finds the tables by a setting of its role. */
export const WITH_SEARCH_PATH = `-c search_path=${SEARCH_PATH.replaceAll(' ', '')}`;
