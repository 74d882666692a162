import { SEARCH_PATH } from '../../../migrations/runner.ts';

/** The migrated database that every test database is cloned from. */
export const TEMPLATE = 'holdfast_template';

/** Connection options for roles other than the service's, whose own search path is a setting of its role. */
export const WITH_SEARCH_PATH = `-c search_path=${SEARCH_PATH.replaceAll(' ', '')}`;
