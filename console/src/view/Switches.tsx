import { switchLanguage, switchTheme, themeChoice, words } from "../state/page";
import { Icon } from "./Icon";

export function LanguageSwitch() {
  const w = words.value;
  return (
    <button type="button" class="button button--quiet" onClick={switchLanguage} id="language">
      <Icon name="language" />
      <span class="visually-hidden">{w.header.language} </span>
      <span>{w.otherLanguage}</span>
    </button>
  );
}

export function ThemeSwitch() {
  const w = words.value;
  return (
    <button type="button" class="button button--quiet" onClick={switchTheme} id="theme">
      <Icon name="theme" />
      <span>{w.header.theme[themeChoice.value]}</span>
    </button>
  );
}
