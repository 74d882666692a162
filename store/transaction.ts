import { translateError } from './errors.ts';
import type { Database } from './database.ts';

/** Runs the work in one transaction, which `statements` begin. An error in the work rolls everything back and is raised again. */
export async function inTransaction<Result>(
  db: Database,
  statements: readonly string[],
  changed: (generationId: string) => void,
  work: (inside: Database) => Promise<Result>,
): Promise<Result> {
  const client = await db.connect().catch((error: unknown) => {
    throw translateError(error);
  });
  const say = (sql: string) =>
    client.query(sql).catch((error: unknown) => {
      throw translateError(error);
    });
  const query = client.query.bind<Database['query']>(client);
  try {
    for (const statement of statements) await say(statement);
    const result = await work({ query, connect: db.connect, changed, isTransaction: true });
    await say('COMMIT');
    client.release();
    return result;
  } catch (error) {
    // A connection that can't even roll back is closed, which rolls back as well.
    await client.query('ROLLBACK').then(
      () => client.release(),
      () => client.release(true),
    );
    throw error;
  }
}
