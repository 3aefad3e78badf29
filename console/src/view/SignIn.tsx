import { useEffect, useRef, useState } from "preact/hooks";
import { words } from "../state/page";
import { problemText } from "../logic/problems";
import { problems, signIn, trouble, watchService } from "../state/session";
import { unlock } from "../sound/player";
import { Icon } from "./Icon";
import { LanguageSwitch, ThemeSwitch } from "./Switches";

export function SignIn() {
  const w = words.value;
  const [busy, setBusy] = useState(false);
  const user = useRef<HTMLInputElement>(null);
  const password = useRef<HTMLInputElement>(null);
  useEffect(() => user.current?.focus(), []);
  useEffect(watchService, []);

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    unlock();
    setBusy(true);
    await signIn(user.current?.value ?? "", password.current?.value ?? "");
    setBusy(false);
    password.current?.select();
  };

  return (
    <main class="sign-in">
      <div class="sign-in__switches">
        <LanguageSwitch />
        <ThemeSwitch />
      </div>
      {problems.value !== null && <NotReady problems={problems.value} />}
      <form class="sign-in__card" onSubmit={submit}>
        <p class="sign-in__product">{w.product}</p>
        <h1>{w.signIn.heading}</h1>
        <p class="sign-in__lead">{w.signIn.lead}</p>
        <label>
          <span>{w.signIn.user}</span>
          <input ref={user} name="user" autocomplete="username" autocapitalize="none" spellcheck={false} required />
        </label>
        <label>
          <span>{w.signIn.password}</span>
          <input ref={password} name="password" type="password" autocomplete="current-password" required />
        </label>
        <p class="sign-in__trouble" role="alert">
          {trouble.value === null ? "" : w.signIn[trouble.value]}
        </p>
        <button type="submit" class="button button--primary" disabled={busy}>
          {busy ? w.signIn.busy : w.signIn.submit}
        </button>
      </form>
    </main>
  );
}

function NotReady({ problems }: { problems: readonly string[] }) {
  const w = words.value;
  return (
    <div class="banner banner--warn" role="status" id="banner-service">
      <Icon name="alert" />
      <strong>{w.signIn.notReady}</strong>
      {problems.map((problem) => (
        <span key={problem}>{problemText(problem, w.problem)}</span>
      ))}
    </div>
  );
}
