/** Which map the service uses, and whether officers should be told that it is another one now. */
export interface KnownMap {
  readonly version: string | null;
  /** Local monotonic time at which another map than the one before was heard of. */
  readonly changedAt: number | null;
}

/** As long as it takes to look up from a call. */
const NEWS_MS = 60_000;

export const UNKNOWN_MAP: KnownMap = { version: null, changedAt: null };

/** The first map that is heard of is no news. */
export function handleMap(known: KnownMap, version: string | undefined, now: number): KnownMap {
  if (version === undefined || version === known.version) return known;
  return { version, changedAt: known.version === null ? null : now };
}

export function isNews(known: KnownMap, now: number): boolean {
  return known.changedAt !== null && now - known.changedAt < NEWS_MS;
}
