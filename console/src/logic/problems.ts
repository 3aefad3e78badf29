/** How what the service says begins, and the name of its translation. The service speaks English. */
const KNOWN = [
  ["the board is still reading the log", "reading"],
  ["the board is more than", "behind"],
  ["the shared log is away", "away"],
] as const;

export type Problems = Record<(typeof KNOWN)[number][1], string>;

/** What is wrong, in the officer's language; the server's own word behind it, and what is not known as it came. */
export function problemText(problem: string, texts: Problems): string {
  const known = KNOWN.find(([beginning]) => problem.startsWith(beginning));
  if (known === undefined) return problem;
  const reason = problem.indexOf(": ");
  const text = texts[known[1]];
  return known[1] === "away" && reason >= 0 ? `${text} (${problem.slice(reason + 2)})` : text;
}
