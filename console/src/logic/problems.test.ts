import { expect, test } from "vitest";
import { DICTIONARIES } from "../words";
import { problemText } from "./problems";

test("what the service says is told in the officer's language, with the reason as it came", () => {
  const away = "the shared log is away, so what is new elsewhere is not seen here: connection refused: 127.0.0.1";
  for (const { problem } of Object.values(DICTIONARIES)) {
    expect(problemText("the board is still reading the log", problem)).toBe(problem.reading);
    expect(problemText("the board is more than 10000 entries behind the log: alerts come late", problem)).toBe(problem.behind);
    expect(problemText(away, problem)).toBe(`${problem.away} (connection refused: 127.0.0.1)`);
  }
});

test("what is not known stays as it came", () => {
  const problem = "the key of day 3 cannot be used";
  expect(problemText(problem, DICTIONARIES.ko.problem)).toBe(problem);
});
