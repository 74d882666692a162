export interface Place<T> {
  readonly owner: string;
  readonly what: T;
  readonly round: number;
}

/**
 * A line in which owners take turns (start-time fair queueing). Each round serves one place of each owner, so the first place
 * of an owner waits for at most one of each other owner's.
 */
export class FairLine<T> {
  /** By round, and within a round as they came. */
  private readonly places: Place<T>[] = [];
  private readonly lastRoundOf = new Map<string, number>();
  private round = 0;

  get length(): number {
    return this.places.length;
  }

  /** How many places would be served before a new one of this owner. */
  countAhead(owner: string): number {
    return this.indexAfter(this.nextRoundOf(owner));
  }

  add(owner: string, what: T): Place<T> {
    const place = { owner, what, round: this.nextRoundOf(owner) };
    this.places.splice(this.indexAfter(place.round), 0, place);
    this.lastRoundOf.set(owner, place.round);
    return place;
  }

  /** Removes the place whose turn it is. */
  take(): T | undefined {
    const place = this.places.shift();
    if (place === undefined) return undefined;
    this.round = place.round;
    this.forget(place.owner);
    return place.what;
  }

  /** Returns false when it is not in the line any more. */
  leave(place: Place<T>): boolean {
    const index = this.places.indexOf(place);
    if (index === -1) return false;
    this.places.splice(index, 1);
    this.forget(place.owner);
    return true;
  }

  private nextRoundOf(owner: string): number {
    return Math.max(this.round, this.lastRoundOf.get(owner) ?? 0) + 1;
  }

  private indexAfter(round: number): number {
    const index = this.places.findIndex((other) => other.round > round);
    return index === -1 ? this.places.length : index;
  }

  /** An owner's next round follows its last place in the line; without one it joins the current round. */
  private forget(owner: string): void {
    const last = this.places.findLast((place) => place.owner === owner);
    if (last === undefined) this.lastRoundOf.delete(owner);
    else this.lastRoundOf.set(owner, last.round);
  }
}
