// A picture of a report that `ansim simulate --html` wrote: its beginning, as a director sees it.
//   node console/tests/report-picture.mjs REPORT.html PICTURE.png
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { launch } from "./browser.mjs";

const [report, picture] = process.argv.slice(2);
if (!picture) {
  console.error("usage: node console/tests/report-picture.mjs REPORT.html PICTURE.png");
  process.exit(2);
}
const browser = await launch();
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 1500 } });
  await page.goto(pathToFileURL(resolve(report)).href);
  await page.screenshot({ path: picture });
} finally {
  await browser.close();
}
