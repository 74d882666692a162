import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Guardian } from './guardian.ts';
import { guard } from './guardian.ts';
import { Link } from './link.ts';
import type { PartName, ServerName, Way } from './plan.ts';
import { ownPort } from './ports.ts';
import type { Program } from './supervised.ts';
import { Supervised } from './supervised.ts';

/** The parts started so far, so that a failed start can be undone. */
export class Ground {
  readonly supervised = new Map<string, Supervised>();
  readonly links = new Map<string, Link>();
  readonly closing: (() => Promise<unknown>)[] = [];
  private readonly guardian: Guardian;

  constructor(readonly folder: string) {
    this.guardian = guard(folder);
  }

  run(name: PartName, what: Program): Supervised {
    const part = new Supervised(name, what, join(this.folder, `${name}.log`), (group) =>
      this.guardian.note(name, group),
    );
    this.supervised.set(name, part);
    part.start();
    return part;
  }

  /** In place of the one that is there, which closes. */
  async link(from: Way['from'], to: ServerName, targetPort: number): Promise<number> {
    const link = await Link.open(await ownPort(), targetPort);
    this.links.get(`${from} ${to}`)?.close();
    this.links.set(`${from} ${to}`, link);
    return link.port;
  }

  part(name: PartName): Supervised {
    return found(this.supervised.get(name), name);
  }

  linksOn({ from, to }: Way): Link[] {
    if (from === 'all') return [...this.links].filter(([name]) => name.endsWith(` ${to}`)).map(([, link]) => link);
    return [found(this.links.get(`${from} ${to}`), `${from} ${to}`)];
  }

  async close(keep: boolean): Promise<void> {
    await Promise.allSettled([...this.supervised.values()].map((part) => part.stop()));
    for (const link of this.links.values()) link.close();
    await Promise.allSettled(this.closing.map((close) => close()));
    if (!keep) await rm(this.folder, { recursive: true, force: true });
    this.guardian.dismiss();
  }
}

export function found<Thing>(thing: Thing | undefined, name: string): Thing {
  if (thing === undefined) throw new Error(`there is no ${name}`);
  return thing;
}
