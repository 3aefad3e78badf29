import { line } from "../state/board";
import { spokenAlert, spokenNotice } from "../state/page";
import { officer } from "../state/session";
import { Banners } from "./Banners";
import { Detail } from "./Detail";
import { Header } from "./Header";
import { Help } from "./Help";
import { MapPane } from "./MapPane";
import { Queue } from "./Queue";
import { SignIn } from "./SignIn";

export function App() {
  const who = officer.value;
  if (who === undefined) return null;
  if (who === null) return <SignIn />;
  return (
    <div class={line.value === "lost" ? "console console--stale" : "console"}>
      <Header />
      <Banners />
      <main class="console__main">
        <Queue />
        <MapPane />
        <Detail />
      </main>
      <Help />
      <div class="visually-hidden" aria-live="assertive" role="alert" id="spoken-alert">
        {spokenAlert.value}
      </div>
      <div class="visually-hidden" aria-live="polite" role="status">
        {spokenNotice.value}
      </div>
    </div>
  );
}
