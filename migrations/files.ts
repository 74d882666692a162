import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';

/** A file of SQL as `schema_migrations` knows it. */
export interface SchemaFile {
  /** With its folder: `tables/0003_generations.sql`, `functions/holds.sql`. */
  readonly name: string;
  readonly sql: string;
  readonly sha256: string;
}

export interface SchemaFiles {
  /** Each is run once, in order: tables, their indexes and the rows that they begin with. */
  readonly tables: readonly SchemaFile[];
  /** All are run anew whenever one of them has changed: functions, triggers, views and grants. */
  readonly functions: readonly SchemaFile[];
}

/** Reads the SQL below `folder`, which ends in a slash, in the order in which it is run; by default this version's. */
export async function readSchemaFiles(folder = new URL('./', import.meta.url)): Promise<SchemaFiles> {
  return { tables: await readFolder(folder, 'tables'), functions: await readFolder(folder, 'functions') };
}

/** What `schema_migrations` says of a database that this version has migrated. */
export async function listSchemaFiles(): Promise<Pick<SchemaFile, 'name' | 'sha256'>[]> {
  const { tables, functions } = await readSchemaFiles();
  return [...tables, ...functions].map(({ name, sha256 }) => ({ name, sha256 }));
}

async function readFolder(folder: URL, kind: 'tables' | 'functions'): Promise<SchemaFile[]> {
  const files = (await readdir(new URL(`${kind}/`, folder))).filter((file) => file.endsWith('.sql')).sort();
  return Promise.all(
    files.map(async (file) => {
      const name = `${kind}/${file}`;
      const sql = await readFile(new URL(name, folder), 'utf8');
      return { name, sql, sha256: createHash('sha256').update(sql).digest('hex') };
    }),
  );
}
