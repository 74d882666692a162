import { type FileHandle, open, rm, stat } from 'node:fs/promises';
import { Failure, reasonOf, wrongUse } from './failure.ts';

/**
 * A file that gets a secret which the API shows once. It is never printed: what a terminal shows stays in scrollbacks and logs.
 * Opened before the secret is asked for, so that none is made that can't be kept.
 */
export class SecretFile {
  private constructor(
    private readonly path: string,
    private readonly file: FileHandle,
    private readonly isStream: boolean,
  ) {}

  /** Makes the file, for its owner only. Raises wrong use if it exists, unless it is a device or a pipe. */
  static async open(path: string): Promise<SecretFile> {
    const found = await stat(path).catch(() => undefined);
    const isStream = found !== undefined && !found.isFile() && !found.isDirectory();
    const file = await open(path, isStream ? 'w' : 'wx', 0o600).catch((error: unknown) => {
      throw wrongUse(`${path} can’t be written: ${reasonOf(error)}.`);
    });
    return new SecretFile(path, file, isStream);
  }

  /** There is no secret: an empty file would look like one. */
  async discard(): Promise<void> {
    await this.file.close().catch(() => undefined);
    if (!this.isStream) await rm(this.path, { force: true });
  }

  /** Null is a secret that was shown before, to an earlier request with the same key. */
  async keep(secret: string | null, advice: string): Promise<string> {
    try {
      if (secret === null) throw new Failure(`It was shown before, once. ${advice}`);
      await this.file.writeFile(`${secret}\n`);
      return this.path;
    } catch (error) {
      if (error instanceof Failure) throw error;
      throw new Failure(`It was made, but ${this.path} could not be written: ${reasonOf(error)}. ${advice}`);
    } finally {
      await this.file.close().catch(() => undefined);
    }
  }
}
